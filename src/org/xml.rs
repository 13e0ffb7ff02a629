//! The little XML that Salesforce's older interfaces speak: read by element, written as text.

/// Text between the tags of HTML or XML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The text of the first element of this name, whatever its prefix; elements inside it are none.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    let mut rest = xml;
    while let Some((tag, after)) = rest.split_once('<')?.1.split_once('>') {
        let called = tag.split_whitespace().next().unwrap_or_default();
        if called.rsplit(':').next() == Some(name) && !called.starts_with('/') {
            return Some(unescape(after.split('<').next().unwrap_or_default().trim()));
        }
        rest = after;
    }
    None
}

fn unescape(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    plain.replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_own_name() {
        let xml = r#"<?xml version="1.0"?><e:Body><n1:login xmlns:n1="urn:x">
            <n1:username> a&amp;lt;b@example.com </n1:username><password>&lt;p&gt;</password><empty/></n1:login></e:Body>"#;
        assert_eq!(element(xml, "username").as_deref(), Some("a&lt;b@example.com"));
        assert_eq!(element(xml, "password").as_deref(), Some("<p>"));
        assert_eq!(element(xml, "login").as_deref(), Some(""));
        for name in ["empty", "user", "Login", ""] {
            assert_eq!(element(xml, name), None, "{name}");
        }
        for broken in ["", "<", "<a", "a>b", "<username"] {
            assert_eq!(element(broken, "username"), None, "{broken}");
        }
        assert_eq!(escape("<a href=\"b&c\">"), "&lt;a href=&quot;b&amp;c&quot;&gt;");
    }
}
