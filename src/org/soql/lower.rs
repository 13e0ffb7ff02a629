//! From the grammar's tree to [`Query`]: nothing is looked up yet.

use tree_sitter::Node;

use super::super::error::OrgError;
use super::ast::{Condition, Expr, FieldSet, Item, Literal, Operator, Order, Path, Query, TypeOf};
use super::fault;
use super::parse::{child, children};

/// Reads nodes of one text.
pub(crate) struct Lower<'t> {
    pub(crate) text: &'t str,
}

impl Lower<'_> {
    /// A `soql_query_body`.
    pub(crate) fn query(&self, body: Node<'_>) -> Result<Query, OrgError> {
        let mut query = Query { at: body.start_byte(), ..Query::default() };
        for node in children(body) {
            match node.kind() {
                "select_clause" => query.select = self.items(node)?,
                "from_clause" => self.from(node, &mut query),
                "group_by_clause" => {
                    for part in children(node) {
                        if part.kind() == "having_clause" {
                            query.having = self.only_condition(part)?;
                        } else {
                            query.group.push(self.expr(part)?);
                        }
                    }
                }
                _ => self.clause(node, &mut query)?,
            }
        }
        Ok(query)
    }

    /// The clauses that SOSL's RETURNING knows too.
    pub(crate) fn clause(&self, node: Node<'_>, query: &mut Query) -> Result<(), OrgError> {
        match node.kind() {
            "where_clause" => query.filter = self.only_condition(node)?,
            "using_clause" => {
                query.scope = child(node, "using_scope_clause").map(|scope| self.word(scope, 1));
            }
            "order_by_clause" => {
                for order in children(node) {
                    query.order.push(self.order(order)?);
                }
            }
            "limit_clause" => query.limit = Some(self.count(node)?),
            "offset_clause" => query.offset = Some(self.count(node)?),
            "with_clause" => {
                let with = child(node, "with_type").map(children).unwrap_or_default();
                let narrows =
                    |n: &Node<'_>| matches!(n.kind(), "with_data_cat_expression" | "with_user_id_type");
                query.narrowed = with.iter().find(|n| narrows(n)).map(|_| node.start_byte());
            }
            "for_clause" => {
                let kinds = children(node);
                query.viewed = kinds.iter().any(|kind| !self.slice(*kind).eq_ignore_ascii_case("UPDATE"));
            }
            // Security modes and tracking change nothing in this org.
            _ => {}
        }
        Ok(())
    }

    fn slice(&self, node: Node<'_>) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn word(&self, node: Node<'_>, nth: usize) -> String {
        self.slice(node).split_whitespace().nth(nth).unwrap_or_default().to_ascii_lowercase()
    }

    fn count(&self, clause: Node<'_>) -> Result<u64, OrgError> {
        let number = children(clause).first().map(|n| self.slice(*n)).unwrap_or_default();
        number.parse().map_err(|_| {
            fault::at(
                "MALFORMED_QUERY",
                self.text,
                clause.start_byte(),
                "For input string: a number out of range",
            )
        })
    }

    fn from(&self, node: Node<'_>, query: &mut Query) {
        for (at, source) in children(node).into_iter().enumerate() {
            let (path, alias) = match source.kind() {
                "storage_alias" => {
                    let parts = children(source);
                    let alias = parts.last().map(|n| self.slice(*n).to_owned());
                    (parts.first().map(|n| self.path(*n)).unwrap_or_default(), alias)
                }
                _ => (self.path(source), None),
            };
            if at == 0 {
                query.from = path.clone();
            }
            if let Some(alias) = alias {
                query.aliases.push((alias, path));
            }
        }
    }

    /// The entries of a `select_clause` or `selected_fields`.
    pub(crate) fn items(&self, node: Node<'_>) -> Result<Vec<Item>, OrgError> {
        children(node).into_iter().map(|item| self.item(item)).collect()
    }

    fn item(&self, node: Node<'_>) -> Result<Item, OrgError> {
        Ok(match node.kind() {
            "count_expression" => {
                let name = child(node, "identifier").map(|n| self.slice(n)).unwrap_or_default();
                if !name.eq_ignore_ascii_case("COUNT") {
                    let what = format!("unexpected token: '{name}'");
                    return Err(fault::at("MALFORMED_QUERY", self.text, node.start_byte(), &what));
                }
                Item::Count
            }
            "alias_expression" => {
                let parts = children(node);
                let alias = parts.last().map(|n| self.slice(*n).to_owned());
                match parts.first() {
                    Some(value) => Item::Value(self.expr(*value)?, alias),
                    None => return Err(fault::malformed("unexpected token: '<EOF>'")),
                }
            }
            "type_of_clause" => Item::TypeOf(self.type_of(node)),
            "fields_expression" => {
                let set = child(node, "fields_type").map(|n| self.slice(n).to_ascii_uppercase());
                Item::Fields(match set.as_deref() {
                    Some("ALL") => FieldSet::All,
                    Some("CUSTOM") => FieldSet::Custom,
                    _ => FieldSet::Standard,
                })
            }
            "subquery" => match child(node, "soql_query_body") {
                Some(body) => Item::Child(Box::new(self.query(body)?)),
                None => return Err(fault::malformed("unexpected token: '('")),
            },
            _ => Item::Value(self.expr(node)?, None),
        })
    }

    fn type_of(&self, node: Node<'_>) -> TypeOf {
        let mut out = TypeOf { path: Path::default(), when: Vec::new(), otherwise: Vec::new() };
        let list = |node: Node<'_>| -> Vec<Path> {
            child(node, "field_list")
                .map(|l| children(l).into_iter().map(|n| self.path(n)).collect())
                .unwrap_or_default()
        };
        for part in children(node) {
            match part.kind() {
                "when_expression" => {
                    let name = child(part, "identifier").map(|n| self.path(n)).unwrap_or_default();
                    out.when.push((name, list(part)));
                }
                "else_expression" => out.otherwise = list(part),
                _ => out.path = self.path(part),
            }
        }
        out
    }

    fn path(&self, node: Node<'_>) -> Path {
        let parts = self.slice(node).split('.').map(|part| part.trim().to_owned()).collect();
        Path { parts, at: node.start_byte() }
    }

    pub(crate) fn expr(&self, node: Node<'_>) -> Result<Expr, OrgError> {
        if node.kind() != "function_expression" {
            return Ok(Expr::Path(self.path(node)));
        }
        let parts = children(node);
        let name = parts.first().map(|n| self.slice(*n).to_owned()).unwrap_or_default();
        // DISTANCE takes a place and a unit beside the field: they are of no use here.
        let fields = parts
            .into_iter()
            .skip(1)
            .filter(|n| matches!(n.kind(), "function_expression" | "field_identifier"));
        let args = fields.map(|n| self.expr(n)).collect::<Result<_, _>>()?;
        Ok(Expr::Call { name, args, at: node.start_byte() })
    }

    fn order(&self, node: Node<'_>) -> Result<Order, OrgError> {
        let parts = children(node);
        let has =
            |kind: &str| parts.iter().find(|n| n.kind() == kind).map(|n| self.slice(*n).to_ascii_uppercase());
        let by = match parts.first() {
            Some(value) => self.expr(*value)?,
            None => return Err(fault::malformed("unexpected token: '<EOF>'")),
        };
        Ok(Order {
            by,
            descending: has("order_direction").as_deref() == Some("DESC"),
            nulls_last: has("order_null_direction").map(|text| text.ends_with("LAST")),
        })
    }

    fn only_condition(&self, clause: Node<'_>) -> Result<Option<Condition>, OrgError> {
        children(clause).first().map(|node| self.condition(*node)).transpose()
    }

    fn condition(&self, node: Node<'_>) -> Result<Condition, OrgError> {
        let all = |node| children(node).into_iter().map(|n| self.condition(n)).collect::<Result<Vec<_>, _>>();
        Ok(match node.kind() {
            "and_expression" => Condition::And(all(node)?),
            "or_expression" => Condition::Or(all(node)?),
            "not_expression" => match all(node)?.pop() {
                Some(inner) => Condition::Not(Box::new(inner)),
                None => return Err(fault::malformed("unexpected token: 'NOT'")),
            },
            _ => self.comparison(node)?,
        })
    }

    fn comparison(&self, node: Node<'_>) -> Result<Condition, OrgError> {
        let parts = children(node);
        let [left, operator, right] = parts.as_slice() else {
            return Err(fault::at("MALFORMED_QUERY", self.text, node.start_byte(), "unexpected token"));
        };
        let left = self.expr(*left)?;
        let sign =
            self.slice(*operator).split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase();
        if operator.kind() == "value_comparison_operator" {
            let operator = match sign.as_str() {
                "=" => Operator::Equal,
                "!=" | "<>" => Operator::NotEqual,
                "<" => Operator::Less,
                "<=" => Operator::LessOrEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterOrEqual,
                _ => Operator::Like,
            };
            return Ok(Condition::Compare(left, operator, self.literal(*right)?));
        }
        let not = matches!(sign.as_str(), "NOT IN" | "EXCLUDES");
        if right.kind() == "subquery" {
            let body = child(*right, "soql_query_body").filter(|_| sign.ends_with("IN"));
            let Some(body) = body else {
                return Err(fault::at(
                    "MALFORMED_QUERY",
                    self.text,
                    right.start_byte(),
                    "unexpected token: '('",
                ));
            };
            return Ok(Condition::InQuery { left, not, query: Box::new(self.query(body)?) });
        }
        let values = children(*right).into_iter().map(|n| self.literal(n)).collect::<Result<_, _>>()?;
        Ok(if sign.ends_with("IN") {
            Condition::In { left, not, values }
        } else {
            Condition::Includes { left, not, values }
        })
    }

    fn literal(&self, node: Node<'_>) -> Result<Literal, OrgError> {
        let text = self.slice(node);
        let number = |text: &str| text.parse().unwrap_or(f64::MAX);
        Ok(match node.kind() {
            "string_literal" => {
                let raw = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
                if let Some(wrong) = bad_unicode(raw) {
                    let at = node.start_byte() + 1 + wrong;
                    return Err(fault::at(
                        "MALFORMED_QUERY",
                        self.text,
                        at,
                        "Invalid string literal: \\u needs four hexadecimal digits",
                    ));
                }
                if raw.chars().count() > 4_000 {
                    return Err(fault::malformed("SOQL literals cannot be longer than 4000 characters."));
                }
                Literal::Text(raw.to_owned())
            }
            "int" | "decimal" => Literal::Number(number(text)),
            "currency_literal" => Literal::Money(number(text.get(3..).unwrap_or_default())),
            "date" => Literal::Date(text.to_owned()),
            "date_time" => Literal::DateTime(text.to_owned()),
            "boolean" => Literal::Bool(text.eq_ignore_ascii_case("true")),
            "date_literal" => Literal::Range(text.to_ascii_uppercase(), None),
            "date_literal_with_param" => {
                let (name, n) = text.split_once(':').unwrap_or((text, "1"));
                Literal::Range(name.trim().to_ascii_uppercase(), Some(n.trim().parse().unwrap_or(u32::MAX)))
            }
            _ => Literal::Null,
        })
    }
}

/// Where a `\u` is not followed by four hexadecimal digits.
fn bad_unicode(raw: &str) -> Option<usize> {
    let mut chars = raw.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        if let Some((_, 'u' | 'U')) = chars.next() {
            let digits = raw.get(at + 2..at + 6);
            if !digits.is_some_and(|d| d.bytes().all(|b| b.is_ascii_hexdigit())) {
                return Some(at);
            }
        }
    }
    None
}
