#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes to standard output, with styles where it is a terminal and plainly where it is not.
struct Terminal: Sendable {
    /// Whether styles are written.
    let isStyled: Bool

    /// Follows the `NO_COLOR` convention and `TERM=dumb`.
    init(plain: Bool) {
        let environment = { (name: String) in getenv(name).map { String(cString: $0) } }
        isStyled =
            !plain && isatty(STDOUT_FILENO) == 1 && environment("NO_COLOR") == nil
            && environment("TERM") != "dumb"
    }

    /// The styles that the quickstart uses.
    enum Style: String {
        case bold = "1"
        case dim = "2"
        case green = "32"
        case yellow = "33"
        case blue = "34"
        case cyan = "36"
        case red = "31"
    }

    func styled(_ text: String, _ styles: Style...) -> String {
        guard isStyled, !text.isEmpty else { return text }
        return "\u{1B}[\(styles.map(\.rawValue).joined(separator: ";"))m\(text)\u{1B}[0m"
    }

    func write(_ text: String) {
        print(text, terminator: "")
        fflush(nil)
    }

    func line(_ text: String = "") {
        print(text)
        fflush(nil)
    }

    /// A heading between two parts of the output.
    func heading(_ text: String) {
        let rule = String(repeating: "─", count: max(4, 76 - text.count))
        line("\n" + styled("── \(text) ", .bold) + styled(rule, .dim))
    }
}

extension String {
    /// The text without what would steer the terminal: control characters other than line ends and tabs.
    var withoutControls: String {
        let harmless = unicodeScalars.filter { scalar in
            scalar == "\n" || scalar == "\t" || scalar.properties.generalCategory != .control
        }
        return String(String.UnicodeScalarView(harmless))
    }
}

// MARK: Progress and errors

extension Terminal {
    /// Shows what is going on, in one line that the next one replaces; nothing where output is no terminal.
    func progress(_ text: String) {
        guard isStyled else { return }
        write("\r\u{1B}[2K" + styled(text, .dim))
    }

    /// Removes the progress line.
    func endProgress() {
        if isStyled { write("\r\u{1B}[2K") }
    }

    /// Writes an error to standard error.
    func fail(_ error: some Error) {
        var message = "error: \(error)\n"
        message.withUTF8 { _ = Self.writeToStandardError($0) }
    }

    private static func writeToStandardError(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        #if canImport(Glibc)
            Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        #endif
    }
}
