/// Sections of aligned rows.
struct Report {
    struct Section {
        var title: String
        var note: String
        /// The cells of each row; columns are aligned within a section.
        var rows: [[String]] = []
        /// Which columns are aligned to the right.
        var numeric: Set<Int> = []
    }

    var sections: [Section] = []

    mutating func section(_ title: String, _ note: String = "", numeric: Set<Int> = []) {
        sections.append(Section(title: title, note: note, numeric: numeric))
    }

    /// Adds a row to the last section.
    mutating func row(_ cells: String...) {
        sections[sections.count - 1].rows.append(cells)
    }
}

extension String {
    /// How many columns a terminal needs, for the characters that model files have in names: wide ones count twice.
    var columns: Int {
        unicodeScalars.reduce(0) { sum, scalar in
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F: sum + 2
            case 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD: sum + 2
            default: scalar.properties.generalCategory == .nonspacingMark ? sum : sum + 1
            }
        }
    }

    /// The text with spaces up to a width.
    func padded(to width: Int, right: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, width - columns))
        return right ? spaces + self : self + spaces
    }

    /// The text on one line without control characters, cut to a width.
    func quoted(limit: Int) -> String {
        var text = ""
        for scalar in unicodeScalars {
            if text.columns >= limit { return text + "…" }
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
                    text += "\\u{" + String(scalar.value, radix: 16) + "}"
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        return text
    }
}

extension BinaryInteger {
    /// The number with a comma between thousands.
    var grouped: String {
        var digits = Array(String(magnitude))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return (self < 0 ? "-" : "") + String(digits)
    }
}

/// A number with its noun: `1 key`, `33 keys`.
func counted(_ count: Int, _ noun: String) -> String { "\(count.grouped) \(noun)\(count == 1 ? "" : "s")" }

/// A number of bytes such as `98.4 MB`.
func formattedSize(_ bytes: Int) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 999.5, unit < units.count - 1 {
        value /= 1000
        unit += 1
    }
    let rounded = value < 10 && unit > 0 ? (value * 100).rounded() / 100 : (value * 10).rounded() / 10
    return unit == 0 ? "\(bytes) bytes" : "\(rounded) \(units[unit])"
}
