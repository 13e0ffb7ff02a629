//! Lists as people and programs read them.

use serde_json::Value;

use super::Format;

/// Prints a list: columns of text for people, or the values for programs.
pub(super) fn list(format: Format, heads: &[&str], rows: &[Vec<String>], values: &[Value]) {
    match format {
        Format::Table => println!("{}", columns(heads, rows)),
        Format::Json => println!("{}", serde_json::to_string_pretty(values).unwrap_or_default()),
        Format::Jsonl => values.iter().for_each(|value| println!("{value}")),
    }
}

/// Columns as wide as their widest cell; the last one as long as it is.
fn columns(heads: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(heads.get(column).map(|head| head.len())).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..heads.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        // Not by a format's width: that panics beyond 65,535.
        let padded = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head = line(&mut heads.iter().copied());
    let rows = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = [vec!["1".to_owned(), "é".to_owned()], vec!["10".to_owned(), String::new()]];
        assert_eq!(columns(&["ID", "WHAT"], &rows), "ID  WHAT\n1   é\n10");
        let long = "x".repeat(70_000);
        assert_eq!(columns(&["ID"], &[vec![long.clone()]]), format!("ID\n{long}"));
    }
}
