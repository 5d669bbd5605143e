extension NumberScanner {
    /// The text with LaTeX's ways of writing numbers replaced by plain ones.
    static func withoutLaTeX(_ text: String) -> String {
        var text = text.replacing("\u{2212}", with: "-").replacing("–", with: "-")
        guard text.contains("\\") || text.contains("{,}") || text.contains("**") else { return text }
        for (latex, plain) in replacements { text = text.replacing(latex, with: plain) }
        return withPlainFractions(text)
    }

    private static let replacements = [
        ("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"), ("\\cfrac", "\\frac"), ("{,}", ","), ("\\,", ""),
        ("\\!", ""),
        ("\\;", " "), ("\\ ", " "), ("\\$", "$"), ("\\%", "%"), ("\\times", "×"), ("\\cdot", "×"),
        ("\\left", ""),
        ("\\right", ""), ("^\\circ", ""), ("^{\\circ}", ""), ("10**", "10^"), ("**", ""), ("\\(", " "),
        ("\\)", " "), ("\\[", " "), ("\\]", " "),
    ]

    /// `\frac{a}{b}` and `\frac12` as ` a/b`.
    private static func withPlainFractions(_ text: String) -> String {
        var characters = Array(text)
        let marker = Array("\\frac")
        var index = 0
        while index + marker.count < characters.count {
            guard Array(characters[index..<(index + marker.count)]) == marker,
                let (top, afterTop) = argument(of: characters, at: index + marker.count),
                let (bottom, end) = argument(of: characters, at: afterTop)
            else {
                index += 1
                continue
            }
            let isMixed = index > 0 && characters[index - 1].isASCIIDigit
            characters.replaceSubrange(index..<end, with: Array((isMixed ? " " : "") + top + "/" + bottom))
        }
        return String(characters)
    }

    /// A braced group or a single digit.
    private static func argument(of characters: [Character], at start: Int) -> (String, Int)? {
        guard start < characters.count else { return nil }
        if characters[start].isASCIIDigit { return (String(characters[start]), start + 1) }
        guard characters[start] == "{", let end = characters[start...].firstIndex(of: "}") else { return nil }
        return (String(characters[(start + 1)..<end]), end + 1)
    }
}
