import Testing

@testable import Collab

@Suite("Automata of constraints")
struct AutomatonTests {
    /// All texts of up to so many letters.
    private static func texts(_ letters: String, upTo length: Int) -> [String] {
        var all = [""]
        var last = [""]
        for _ in 0..<length {
            last = last.flatMap { text in letters.map { text + String($0) } }
            all += last
        }
        return all
    }

    /// Every text of these has at most six letters, so that all can be listed.
    private static let patterns = [
        "a|ab|abc", "(a|b){2,4}", "a?b?c?", "(ab|ba){1,3}", "[ab]c{0,3}[^ab]", "a(b(c(a(b)?)?)?)?",
        "(a|aa|aaa){2}",
        "abc|abd?a|b{3}",
    ]

    @Test("a token is allowed exactly if some allowed text goes on so", arguments: patterns)
    func masks(_ pattern: String) throws {
        let constraint = try Constraint.regularExpression(pattern)
        let automaton = constraint.automaton
        let pieces = ["a", "b", "c", "ab", "bc", "ba", "abc", "aaa", "cc", "abab", "bcaa", ""]
        let trie = TokenTrie(ToyTokenizer(pieces))
        let allowed = try Self.texts("abc", upTo: 6).filter { try constraint.allows($0) }
        #expect(!allowed.isEmpty)
        let expression = try Regex(pattern)
        #expect(allowed == Self.texts("abc", upTo: 6).filter { $0.wholeMatch(of: expression) != nil })
        for prefix in Self.texts("abc", upTo: 4) {
            let situation = try automaton.advance(automaton.start, by: prefix.utf8)
            #expect((situation != nil) == allowed.contains { $0.hasPrefix(prefix) })
            guard let situation else { continue }
            #expect(situation.isComplete == allowed.contains(prefix))
            let mask = try automaton.mask(of: situation, over: trie)
            for (token, piece) in pieces.enumerated() {
                let goesOn = !piece.isEmpty && allowed.contains { $0.hasPrefix(prefix + piece) }
                #expect(mask.contains(TokenID(token)) == goesOn, "\(pattern): \(prefix) + \(piece)")
            }
        }
    }

    @Test("tokens may end and begin within a character")
    func characters() throws {
        let automaton = try Constraint.regularExpression("[é-ü]+").automaton
        let bytes: [[UInt8]] = [[0xC3], [0xA9], [0xBC], [0xBD], [0xC3, 0xA9], [0xA9, 0xC3], [0xC3, 0xC3]]
        let trie = TokenTrie(ToyTokenizer(bytes: bytes))
        func allowed(after bytes: [UInt8]) throws -> [TokenID] {
            let situation = try #require(try automaton.advance(automaton.start, by: bytes))
            let mask = try automaton.mask(of: situation, over: trie)
            return (0..<7).filter { mask.contains($0) }
        }
        #expect(try allowed(after: []) == [0, 4])
        #expect(try allowed(after: [0xC3]) == [1, 2, 5])
        #expect(try allowed(after: [0xC3, 0xBC]) == [0, 4])
    }

    @Test("every scalar is encoded as Swift encodes it, and nothing else is")
    func encodings() {
        for set in [
            ScalarSet.all, ScalarSet("é"..."ﬀ"), ScalarSet("\u{7F}"..."\u{10FFFF}"), ScalarSet("aé😀"),
        ] {
            let count = set.ranges.reduce(0) { $0 + $1.count }
            let encoded = set.encodings.reduce(0) { $0 + $1.reduce(1) { $0 * $1.count } }
            #expect(encoded == count)
            for encoding in set.encodings {
                for bytes in [encoding.map(\.lowerBound), encoding.map(\.upperBound)] {
                    let text = String(validating: bytes, as: UTF8.self)
                    #expect(text.map { set.contains($0.unicodeScalars.first!) } == true)
                }
            }
        }
    }

    @Test("rules may be nested, as deep as there is room for, and never deeper than can be closed again")
    func recursion() throws {
        let grammar = Grammar(
            .rule("value"),
            rules: ["value": .choice([.text("x"), .sequence([.text("("), .rule("value"), .text(")")])])]
        )
        let constraint = try Constraint("brackets", grammar)
        for depth in [0, 1, 5, 60] {
            let text = String(repeating: "(", count: depth) + "x" + String(repeating: ")", count: depth)
            #expect(try constraint.allows(text))
            #expect(try !constraint.allows(text + ")") && !constraint.allows("(" + text))
        }
        let automaton = constraint.automaton
        var situation = automaton.start
        while let next = try automaton.advance(situation, by: [UInt8(ascii: "(")]) { situation = next }
        let closed = "x" + String(repeating: ")", count: ByteProgram.deepest)
        #expect(try automaton.advance(situation, by: closed.utf8)?.isComplete == true)
        // What only ends a rule needs no depth.
        let list = Grammar(
            .rule("list"),
            rules: ["list": .choice([.text("."), .sequence([.text("a"), .rule("list")])])]
        )
        #expect(try Constraint("list", list).allows(String(repeating: "a", count: 1000) + "."))
    }

    @Test("grammars that mean nothing are refused")
    func refusals() throws {
        func code(_ grammar: Grammar) -> CollabError.Code? {
            do throws(CollabError) { _ = try Constraint("test", grammar) } catch { return error.code }
            return nil
        }
        #expect(code(Grammar(.rule("missing"))) == .invalidConstraint)
        #expect(
            code(Grammar(.rule("a"), rules: ["a": .sequence([.rule("a"), .text("x")])])) == .invalidConstraint
        )
        #expect(
            code(
                Grammar(
                    .rule("a"),
                    rules: [
                        "a": .sequence([.optional(.text("y")), .rule("b")]),
                        "b": .choice([.rule("a"), .text("x")]),
                    ]
                )
            ) == .invalidConstraint
        )
        // A text that never ends.
        #expect(
            code(Grammar(.rule("a"), rules: ["a": .sequence([.text("x"), .rule("a")])])) == .invalidConstraint
        )
        #expect(code(Grammar(.choice([]))) == .invalidConstraint)
        #expect(code(Grammar(.repetition(.text("a"), least: 3, most: 2))) == .invalidConstraint)
        #expect(code(Grammar(.repeated(.scalar(.all), 0...100_000))) == .unsupported)
        #expect(code(Grammar(.nothing)) == nil)
        #expect(throws: CollabError.self) { try Constraint.choices([]) }
        #expect(throws: CollabError.self) { try Constraint.choices(["a", ""]) }
    }
}
