//! Macros for public types: `Debug` for types with fields that have none, and methods that set one field.

/// Implements `Debug` for a type that holds a device, a thread or a decoder: its name and these of its fields.
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

/// Methods that set one field each, for structs that may get more fields.
macro_rules! setters {
    ($type:ident { $($method:ident: $field:ident: $value:ty,)* }) => {
        impl $type {
            $(
                #[doc = concat!("The same with this [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $method(mut self, $field: $value) -> Self {
                    self.$field = $field.into();
                    self
                }
            )*
        }
    };
}
