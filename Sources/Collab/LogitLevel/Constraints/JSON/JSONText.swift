/// What is JSON at all (RFC 8259), in whatever spelling, for values that a schema has as text.
enum JSONText {
    /// Whether a text is one value. Values may be nested as deep as in an answer.
    static func isValue(_ text: String) throws(CollabError) -> Bool {
        try automaton.get().matches(text)
    }

    private static let automaton = Result { () throws(CollabError) in try ByteAutomaton(grammar()) }

    private static func grammar() throws(CollabError) -> Grammar {
        let space = try RegularExpression(#"[ \t\n\r]*"#).whole
        let text = try RegularExpression(#""([^"\\\x00-\x1f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*""#).whole
        let number = try RegularExpression(#"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"#).whole
        let value = Grammar.Pattern.sequence([space, .rule("value"), space])
        func list(of part: Grammar.Pattern) -> Grammar.Pattern {
            .choice([space, .sequence([part, .repeated(.sequence([.text(","), part]))])])
        }
        let member = Grammar.Pattern.sequence([space, text, space, .text(":"), value])
        return Grammar(
            value,
            rules: [
                "value": .choice([
                    .sequence([.text("{"), list(of: member), .text("}")]),
                    .sequence([.text("["), list(of: value), .text("]")]),
                    text, number, .text("true"), .text("false"), .text("null"),
                ])
            ]
        )
    }
}
