//! `framereel filters`: the filters as a table; and how tables are written.

use framereel::filter::{PassOutput, SourcePicture, SourcePixels};
use framereel::frame::BitDepth;
use framereel::{Result, Size, filter};

use super::args::FiltersArgs;
use super::{pictures, print, reference};

/// The size that a chain is explained for, and that of pictures.
const EXPLAINED: Size = Size::new(1280, 720);
const PICTURE: Size = Size::new(320, 180);

/// Lists the filters: name, arguments, defaults and effect; or what else was asked for of them.
pub fn filters(args: &FiltersArgs) -> Result<()> {
    if let Some(chain) = &args.explain {
        let size = args.size.unwrap_or(EXPLAINED);
        let film = SourcePicture { pixels: SourcePixels::Recorded, size };
        let plan = filter::plan(chain, film, size, PassOutput::I420 { depth: BitDepth::Eight });
        return print(plan.to_string().trim_end());
    }
    if let Some(folder) = &args.pictures {
        return pictures::draw(folder, &args.drawn, args.size.unwrap_or(PICTURE));
    }
    if args.markdown {
        return print(reference::markdown()?);
    }
    let head = ["FILTER", "ARGUMENTS", "DEFAULT", ""].map(str::to_owned);
    let rows = filter::catalog().iter().map(|filter| {
        let origin = if filter.css { "" } else { " (not in CSS)" };
        [filter.name.to_owned(), filter.arguments(), filter.defaults(), format!("{}{origin}", filter.summary)]
    });
    print(table(&[head].into_iter().chain(rows).collect::<Vec<_>>()))
}

/// Rows with their columns aligned, two spaces apart.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bbb", "c"], ["aaaa", "b", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a     bbb  c\naaaa  b");
    }
}
