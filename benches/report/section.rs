//! One section of the document by itself.

/// The document with this section in place of the one with the same heading.
///
/// # Errors
/// There is none.
pub(crate) fn replaced(document: &str, section: &str) -> Result<String, String> {
    let heading = section.lines().next().unwrap_or_default();
    let begin = format!("\n{heading}\n");
    let missing = || format!("there is no section {heading:?}; the whole report has it");
    let (before, rest) =
        document.split_once(&begin).filter(|_| heading.starts_with("## ")).ok_or_else(missing)?;
    let after = rest.find("\n## ").map_or("", |at| &rest[at..]);
    Ok(format!("{before}\n{}\n{after}", section.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "# D\n\n## A\n\none\n\n### A a\n\ntwo\n\n## B\n\nthree\n";

    #[test]
    fn a_section_is_replaced_and_the_others_stay() {
        let new = replaced(DOCUMENT, "## A\n\nfour\n\n").unwrap();
        assert_eq!(new, "# D\n\n## A\n\nfour\n\n## B\n\nthree\n");
        assert_eq!(replaced(&new, "## A\n\none\n\n### A a\n\ntwo\n").unwrap(), DOCUMENT);
        assert_eq!(replaced(DOCUMENT, "## B\n\nfive").unwrap(), DOCUMENT.replace("three", "five"));
    }

    #[test]
    fn no_section_is_made_up() {
        for other in ["## C\n\nfour\n", "four", "", "### A a\n\nfour"] {
            assert!(replaced(DOCUMENT, other).is_err(), "{other}");
        }
    }
}
