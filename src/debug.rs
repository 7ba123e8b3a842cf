//! `Debug` for public types that hold what has none: devices, threads, decoders.

/// Implements `Debug` for a type: its name and these of its fields.
macro_rules! debug_fields {
    ($(<$param:ident $(: $bound:ident $(+ $more:ident)*)?>)? $type:ident { $($field:ident),* }) => {
        impl$(<$param $(: $bound $(+ $more)*)?>)? ::std::fmt::Debug for $type$(<$param>)? {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut fields = f.debug_struct(stringify!($type));
                $(fields.field(stringify!($field), &self.$field);)*
                fields.finish_non_exhaustive()
            }
        }
    };
}
