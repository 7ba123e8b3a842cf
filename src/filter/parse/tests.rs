use super::*;

fn shown(text: &str) -> String {
    text.parse::<FilterChain>().unwrap().to_string()
}

fn message(text: &str) -> String {
    text.parse::<FilterChain>().unwrap_err().to_string()
}

#[test]
fn chains_are_read_as_css_writes_them() {
    assert_eq!(shown("none"), "none");
    assert_eq!(shown("  "), "none");
    assert_eq!(shown("sepia(60%)  BLUR( 2px )vignette(.4)"), "sepia(0.6) blur(2px) vignette(0.4)");
    assert_eq!(
        shown("hue-rotate(0.25turn) hue-rotate(100grad) hue-rotate(-90deg)"),
        "hue-rotate(90deg) hue-rotate(90deg) hue-rotate(-90deg)"
    );
    assert_eq!(shown("brightness() blur() opacity()"), "brightness(1) blur(0px) opacity(1)");
    assert_eq!(shown("contrast(1e1) blur(0)"), "contrast(10) blur(0px)");
}

#[test]
fn amounts_above_the_range_mean_its_end_as_in_css() {
    assert_eq!(shown("sepia(4) grayscale(250%) saturate(7)"), "sepia(1) grayscale(1) saturate(7)");
}

#[test]
fn what_is_shown_reads_back_the_same() {
    let chain: FilterChain = "sepia(33.3%) hue-rotate(1rad) blur(2.5px) vignette(0.1)".parse().unwrap();
    assert_eq!(chain.to_string().parse::<FilterChain>().unwrap(), chain);
}

#[test]
fn errors_point_at_the_place_and_suggest_the_nearest_name() {
    assert_eq!(
        message("blur(2px) sepai(60%)"),
        "unknown filter `sepai`; did you mean `sepia`?\n  blur(2px) sepai(60%)\n            ^^^^^"
    );
    assert_eq!(
        message("greyscale(1)"),
        "unknown filter `greyscale`; did you mean `grayscale`?\n  greyscale(1)\n  ^^^^^^^^^"
    );
    assert_eq!(
        message("xylophone(1)"),
        "unknown filter `xylophone`; `framereel filters` lists them all\n  xylophone(1)\n  ^^^^^^^^^"
    );
    assert_eq!(
        message("blur(2em)"),
        "expected a length such as 4px as radius of `blur` but found `2em`\n  blur(2em)\n       ^^^"
    );
    assert_eq!(
        message("blur(-2px)"),
        "expected radius of `blur` to be at least 0 but found `-2px`\n  blur(-2px)\n       ^^^^"
    );
    assert_eq!(message("sepia(1"), "expected `)` to close `sepia(` but found the end\n  sepia(1\n       ^");
    assert_eq!(message("sepia"), "expected `(` after `sepia`, as in `sepia(0.5)`\n  sepia\n  ^^^^^");
    assert_eq!(message("sepia(1, 2)"), "expected at most 1 argument to `sepia`\n  sepia(1, 2)\n           ^");
    assert_eq!(
        message("sepia(1) ; blur(1px)"),
        "expected the name of a filter but found `;`\n  sepia(1) ; blur(1px)\n           ^"
    );
    for text in [
        "sepia((1))",
        "sepia(,)",
        "sepia(1,)",
        "sepia(NaN)",
        "sepia(inf)",
        "sepia(1e99)",
        "sepia(50 %)",
        "none none",
        "é(1)",
        "sepia(é)",
    ] {
        assert!(message(text).contains('^'), "{text}");
    }
}
