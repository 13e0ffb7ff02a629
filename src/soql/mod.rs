//! The two query languages of Salesforce, as far as a contact flow writes them.
//!
//! What it is: names checked, values quoted for the place where they stand, a flow's text put into
//! a query in one pass, the patterns recognised that would match everybody, and one spelling found
//! for questions that mean the same ([`canonical()`]).
//! What it never does: understand a whole query (the org does), or change what an author wrote.
//! Who calls it: [`crate::event`], [`crate::flow_host`], and [`crate::read`] for that one spelling.
//!
//! Its laws:
//! * A value between quotes or braces stays between them, whatever it holds.
//! * A value outside of them is as an author may write it: quotes and braces closed, no comment.
//! * What replaced text is never searched for further replacements.

mod canonical;
mod guard;
mod literal;
mod replace;
mod scan;
mod select;

pub use canonical::canonical;
pub use guard::finds_anything;
pub use literal::{escape, escape_term, literal, quote};
pub use replace::{Replaced, replace};
pub use scan::Dialect;
pub use select::{Selected, is_name, select};

/// Why no query can be made of what a flow gave. Names the parameter, never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A name that is no identifier where SOQL needs one.
    #[error(
        "the parameter {0} stands where SOQL needs a name: use letters, digits and underscores, with dots between \
         objects (Account.Name)"
    )]
    NotAName(String),
    /// `sf_fields` that is no list of fields.
    #[error(
        "the parameter {0} is not a list of fields: write their API names with commas between them, such as \
         \"Id, Name\""
    )]
    NotFields(String),
    /// No conditions where everybody would match.
    #[error(
        "at least one condition is required: add a parameter named after a field, such as Email, or use lookup_all to \
         read without one"
    )]
    NoCondition,
    /// An object or list where a text is needed.
    #[error(
        "the parameter {0} holds an object or a list where a text is needed: give a text, a number or a list of them"
    )]
    Nested(String),
    /// A value outside of quotes that opens a quote or a brace and does not close it.
    #[error(
        "the parameter {0} is put into the query outside of quotes and holds a quote, brace or backslash without its \
         partner: put quotes around its name in the query, and it will be escaped"
    )]
    Unbalanced(String),
    /// A value outside of quotes that would begin a comment.
    #[error(
        "the parameter {0} is put into the query outside of quotes and holds a comment mark (--, // or /*): put \
         quotes around its name in the query, or leave the mark out"
    )]
    Comment(String),
    /// Strict replacement, and not one simple thing.
    #[error(
        "the parameter {0} is put into the query outside of quotes, and TIELINE_BARE_REPLACEMENT=strict admits only \
         names, numbers, quoted texts and lists of them there: put quotes around its name in the query"
    )]
    NotSimple(String),
}
