extension String {
    /// The beginning of a text from a file, fit for a message in a terminal: one line, no control characters.
    var abbreviated: String {
        var head = String.UnicodeScalarView()
        for scalar in unicodeScalars.prefix(64) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
                head.append(" ")
            default: head.append(scalar)
            }
        }
        return String(head) + (unicodeScalars.count > 64 ? "…" : "")
    }
}
