import Collab
import Testing

@Suite("Stop sequences")
struct StopMatcherTests {
    @Test("A sequence that spans pieces ends the text before its beginning, and nothing of it is shown")
    func spanning() throws {
        var matcher = try StopMatcher(["\nUser:"])
        #expect(matcher.append("Hello\nUs") == .init(text: "Hello"))
        #expect(matcher.append("er: me too") == .init(text: "", stop: "\nUser:"))
        #expect(matcher.append("more") == .init(text: "", stop: "\nUser:"))
        #expect(matcher.stop == "\nUser:")
        #expect(matcher.finish() == "")
    }

    @Test("What only looked like the beginning is shown after all")
    func falseAlarm() throws {
        var matcher = try StopMatcher(["\nUser:"])
        #expect(matcher.append("Hello\nUs").text == "Hello")
        #expect(matcher.append("ing").text == "\nUsing")
        #expect(matcher.append("\nU").text == "")
        #expect(matcher.finish() == "\nU")
    }

    @Test("A beginning inside a beginning is not lost")
    func overlapping() throws {
        var matcher = try StopMatcher(["aab"])
        #expect(matcher.append("aa").text == "")
        #expect(matcher.append("a").text == "a")
        #expect(matcher.append("b") == .init(text: "", stop: "aab"))
    }

    @Test("The sequence that is complete first wins; at the same place, the longer one")
    func several() throws {
        var first = try StopMatcher(["abc", "b"])
        #expect(first.append("xabc") == .init(text: "xa", stop: "b"))
        var longer = try StopMatcher(["c", "abc"])
        #expect(longer.append("xabc") == .init(text: "x", stop: "abc"))
    }

    @Test("Characters stay whole, in text and in sequences")
    func characters() throws {
        var matcher = try StopMatcher(["é!"])
        #expect(matcher.append("caf\u{E9}").text == "caf")
        #expect(matcher.append("s").text == "\u{E9}s")
        var none = try StopMatcher([])
        #expect(none.append("anything").text == "anything")
    }

    @Test("An empty sequence is refused")
    func empty() {
        #expect(throws: CollabError.self) { try StopMatcher(["x", ""]) }
    }

    @Test("The cut into pieces does not matter", arguments: 0..<100)
    func anyCut(seed: UInt64) throws {
        var generator = SplitMix(state: seed)
        let text = (0..<60).map { _ in ["a", "b", "c"].randomElement(using: &generator)! }.joined()
        let stops = ["abcab", "cc", "bbabb"]
        var whole = try StopMatcher(stops)
        let expected = whole.append(text)
        let expectedText = expected.text + whole.finish()
        var matcher = try StopMatcher(stops)
        var shown = ""
        var rest = text[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...4, using: &generator))
            shown += matcher.append(String(piece)).text
            rest = rest.dropFirst(piece.count)
        }
        shown += matcher.finish()
        #expect(shown == expectedText)
        #expect(matcher.stop == expected.stop)
    }
}
