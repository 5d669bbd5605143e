import Testing

@testable import Collab

@Suite("Patterns of JSON schemas")
struct SchemaPatternTests {
    private static let texts = [
        "", "a", "b", "ab", "ba", "axb", "A", "5", "55", "a5", "é", "٣", "_", "-", " ", "\t", "\n", "\u{A0}",
        "\u{2003}", "\u{2028}", "\u{FEFF}", "\u{85}", "😀", "/", "\u{08}", "]", "a b", "a\u{A0}b", "a\nb", ".",
        "x",
    ]

    /// Patterns with the places of the texts in which the `RegExp` of a JavaScript engine, with the flag `u`, finds them.
    private static let cases: [(String, [Int])] = [
        (#"\d"#, [7, 8, 9]),
        (#"^\d+$"#, [7, 8]),
        (
            #"\D"#,
            [
                1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
                28, 29, 30,
            ]
        ),
        (#"^\D$"#, [1, 2, 6, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 29, 30]),
        (#"\w"#, [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 26, 27, 28, 30]),
        (#"^\w$"#, [1, 2, 6, 7, 12, 30]),
        (#"^\W$"#, [10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 29]),
        (#"^\s$"#, [14, 15, 16, 17, 18, 19, 20]),
        (#"^\S$"#, [1, 2, 6, 7, 10, 11, 12, 13, 21, 22, 23, 24, 25, 29, 30]),
        (#"^[^\s]$"#, [1, 2, 6, 7, 10, 11, 12, 13, 21, 22, 23, 24, 25, 29, 30]),
        (#"^[\w-]+$"#, [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 30]),
        (#"^[^a-c]$"#, [6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 29, 30]),
        (#"^.$"#, [1, 2, 6, 7, 10, 11, 12, 13, 14, 15, 17, 18, 20, 21, 22, 23, 24, 25, 29, 30]),
        (#"^a.b$"#, [5, 26, 27]),
        (#"b"#, [2, 3, 4, 5, 26, 27, 28]),
        (#"^b"#, [2, 4]),
        (#"b$"#, [2, 3, 5, 26, 27, 28]),
        (#"^b$"#, [2]),
        (#"a|^b"#, [1, 2, 3, 4, 5, 9, 26, 27, 28]),
        (#"^$"#, [0]),
        (
            #""#,
            [
                0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                26, 27, 28, 29, 30,
            ]
        ),
        (#"^[\d\s]+$"#, [7, 8, 14, 15, 16, 17, 18, 19, 20]),
        (#"^\u0041$"#, [6]),
        (#"^\u{1F600}$"#, [22]),
        (#"^\ud83d\ude00$"#, [22]),
        (#"^\x41$"#, [6]),
        (#"^[^]$"#, [1, 2, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 29, 30]),
        (#"^\cJ$"#, [16]),
        (#"^[\u00e0-\u00ff]+$"#, [10]),
        (#"^\/$"#, [23]),
        (#"^[\b]$"#, [24]),
        (#"^(?:a|b)+$"#, [1, 2, 3, 4]),
        (#"^(?<x>a)b?$"#, [1, 3]),
        (#"\."#, [29]),
        (#"^[\]a]+$"#, [1, 25]),
        (#"^\S+\s\S+$"#, [26, 27, 28]),
    ]

    @Test("they are searched for, and mean what they mean in ECMAScript", arguments: cases)
    func matches(_ pattern: String, _ places: [Int]) throws {
        let constraint = try Constraint.json(.text(matching: pattern))
        for (place, text) in Self.texts.enumerated() {
            let isAllowed = try constraint.allows(JSONPatterns.quoted(text))
            #expect(isAllowed == places.contains(place), "\(pattern): \(text.debugDescription)")
        }
    }

    @Test(
        "what is not ECMAScript, or cannot be enforced, is refused",
        arguments: [
            "a{,3}", "[]", "[]a]", "\\a", "\\A", "\\Aa", "a\\z", "\\U00000041", "\\c1", "\\u{110000}",
            "\\u{}", "\\u{4",
            "\\ud83d", "\\ud83da", "\\q", "\\ba", "a\\B", "\\p{L}", "\\P{L}", "(?=a)", "(?!a)", "(?<=a)",
            "(a)\\1",
            "(?<n>a)\\k<n>", "(^a)", "a$b",
        ]
    )
    func refusals(_ pattern: String) {
        let error = #expect(throws: CollabError.self) { try Constraint.json(.text(matching: pattern)) }
        #expect(error?.code == .invalidConstraint || error?.code == .unsupported)
        #expect(error?.message.contains("position") == true)
    }

    @Test("a whole expression keeps Python’s meaning")
    func python() throws {
        #expect(try Constraint.regularExpression("\\S").allows("\u{A0}"))
        #expect(try Constraint.regularExpression("[]a]{,2}\\Z").allows("]a"))
        #expect(try Constraint.regularExpression(".").allows("\r"))
    }
}
