import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes to the terminal: in colour and cut to its width if it is one, plain otherwise.
enum Terminal {
    private static let isTerminal = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil

    /// The columns of the terminal; `nil` if the output goes elsewhere.
    private static var width: Int? {
        var size = winsize()
        guard isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else {
            return nil
        }
        return Int(size.ws_col)
    }

    /// Prints all sections.
    static func print(_ report: Report) {
        var text = ""
        for (number, section) in report.sections.enumerated() {
            if number > 0 { text += "\n" }
            text +=
                styled(section.title, "1") + (section.note.isEmpty ? "" : "  " + styled(section.note, "2"))
                + "\n"
            text += body(of: section)
        }
        write(text, to: STDOUT_FILENO)
    }

    /// Prints a line as it is.
    static func print(line: String) {
        write(line + "\n", to: STDOUT_FILENO)
    }

    /// Prints why it did not work, on one line.
    static func fail(_ error: CollabError) {
        let line = error.message.split(whereSeparator: \.isNewline).joined(separator: " ")
        write("inspect: \(line)\n", to: STDERR_FILENO)
    }

    private static func body(of section: Report.Section) -> String {
        let columnCount = section.rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in
            section.rows.map { column < $0.count ? $0[column].columns : 0 }.max() ?? 0
        }
        var text = ""
        for row in section.rows {
            var line = "  "
            for (column, cell) in row.enumerated() {
                let isLast = column == row.count - 1
                let isNumeric = section.numeric.contains(column)
                line += isLast && !isNumeric ? cell : cell.padded(to: widths[column], right: isNumeric)
                if !isLast { line += "  " }
            }
            if let width, line.columns > width { line = line.quoted(limit: width - 1) }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }

    private static func styled(_ text: String, _ code: String) -> String {
        isTerminal ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { unistd_write(descriptor, $0.baseAddress!, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// `write` of the system, which the method of that name hides.
private func unistd_write(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
