import Collab
import CollabBackends
import CollabTesting
import Testing

private struct Verdict: Codable, Equatable {
    enum Grade: String, Codable { case good, bad }
    var grade: Grade
    var score: Double
    var remarks: [String]?
}

@Suite("A typed answer")
struct TypedAnswerTests {
    /// What models write, and what is meant.
    fileprivate static let readable: [(String, Verdict)] = [
        (#"{"grade": "good", "score": 7}"#, Verdict(grade: .good, score: 7)),
        (
            "Here you are:\n```json\n{\"grade\": \"bad\", \"score\": 1.5}\n```\nHope it helps!",
            Verdict(grade: .bad, score: 1.5)
        ),
        // Trailing and missing commas, comments, single quotes, bare keys.
        ("{'grade': 'good', score: 7.,}", Verdict(grade: .good, score: 7)),
        (
            "{\n  // how good\n  \"grade\": \"good\"\n  \"score\": +7 /* of 10 */\n}",
            Verdict(grade: .good, score: 7)
        ),
        // Python's words and typographic quotes.
        ("{“grade”: “bad”, “score”: 2, “remarks”: None}", Verdict(grade: .bad, score: 2)),
        // A text that goes over lines, with quotes and letters beyond ASCII.
        (
            "{\"grade\": \"good\", \"score\": 3, \"remarks\": [\"line one\nline \\\"two\\\" \\u00e9\\ud83d\\ude00\"]}",
            Verdict(grade: .good, score: 3, remarks: ["line one\nline \"two\" é😀"])
        ),
        // Cut off at the token limit.
        (
            #"{"grade": "good", "score": 3, "remarks": ["one", "tw"#,
            Verdict(grade: .good, score: 3, remarks: ["one", "tw"])
        ),
        // The last of several counts; what does not fit does not.
        (
            #"First I thought {"grade": "bad", "score": 1}, but {"grade": "good", "score": 9} (see [1] and {x})."#,
            Verdict(grade: .good, score: 9)
        ),
        // A whole value is preferred to one that is cut off, a fenced one to others.
        (#"{"grade": "good", "score": 9} or {"grade": "bad", "score": 1"#, Verdict(grade: .good, score: 9)),
        (
            "```\n{\"grade\": \"good\", \"score\": 9}\n```\nnot {\"grade\": \"bad\", \"score\": 1}",
            Verdict(grade: .good, score: 9)
        ),
    ]

    @Test("is read although its form is faulty", arguments: readable)
    fileprivate func repaired(text: String, verdict: Verdict) async throws {
        let model = ScriptedModel("model", always: ScriptedAnswer(text))
        let answer = try await model.respond(to: "?", as: Verdict.self)
        #expect(answer.value == verdict)
        #expect(answer.response.text == text)
        #expect(model.callCount == 1)
    }

    @Test("is asked for once more, with what was wrong")
    func retry() async throws {
        let model = ScriptedModel("model") { (_, call) throws(CollabError) in
            call == 0 ? #"{"grade": "fair", "score": 3}"# : #"{"grade": "good", "score": 3}"#
        }
        let answer = try await model.respond(to: "How good is it?", as: Verdict.self)
        #expect(answer.value.grade == .good)
        let turns = model.requests[1].messages
        #expect(turns.map(\.role) == [.user, .assistant, .user])
        #expect(turns[1].text == #"{"grade": "fair", "score": 3}"#)
        #expect(turns[2].text.contains("“grade” is not one of the values that are allowed"))
    }

    @Test(
        "that stays unreadable is an error that says what is missing",
        arguments: [
            ("I will not.", "it holds no JSON object or array"),
            (#"{"grade": "good"}"#, "“score” is missing"),
            (#"{"grade": "good", "score": "high"}"#, "“score” must be of type Double"),
            (#"{"grade": null, "score": 1}"#, "“grade” is null"), ("", "it holds no JSON object or array"),
        ]
    )
    func failure(text: String, reason: String) async throws {
        let model = ScriptedModel("model", always: ScriptedAnswer(text))
        let error = await #expect(throws: CollabError.self) {
            try await model.respond(to: "?", as: Verdict.self)
        }
        #expect(error?.code == .unparsed)
        #expect(error?.message.contains(reason) == true)
        #expect(model.callCount == 2)
    }

    @Test("obeys the budget, and hands on what the model throws")
    func errors() async throws {
        let model = ScriptedModel("model", always: "no")
        let error = await #expect(throws: CollabError.self) {
            try await model.respond(to: "?", as: Verdict.self, in: Run(budget: .calls(1)))
        }
        #expect(error?.code == .budgetExhausted)
    }

    @Test("is the same answer whatever the order of its keys and the spelling of its numbers")
    func classes() {
        let format = AnswerFormat.json(Verdict.self)
        let first = format.answer(in: #"{"grade": "good", "score": 7.0}"#)
        #expect(first == format.answer(in: "So: {'score': 7, 'grade': 'good'}"))
        #expect(first != format.answer(in: #"{"grade": "good", "score": 8}"#))
        #expect(format.answer(in: "It is good.") == .unparsed)
        #expect(format.answer(in: #"{"grade": "fair", "score": 8}"#) == .unparsed)
    }

    @Test("is voted on")
    func vote() async throws {
        let vote = Vote("vote", answers: .json(Verdict.self)) {
            ScriptedModel("a", always: #"{"grade": "bad", "score": 1}"#)
            ScriptedModel("b", always: #"{"grade": "good", "score": 9}"#)
            ScriptedModel("c", always: #"{"score": 9.0, "grade": "good"}"#)
        }
        #expect(try await vote.respond(to: "?", as: Verdict.self).value == Verdict(grade: .good, score: 9))
    }

    @Test("costs bounded work, whatever is written")
    func hostile() {
        let format = AnswerFormat.json(Verdict.self)
        let texts = [
            String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 50_000),
            String(repeating: "{", count: 1_000_000),
            "{\"grade\": \"" + String(repeating: "x", count: 1_000_000),
            "{\"grade\": \"good\\", "{\"a\\ud83d\": 1", "{/*", "[1,,,,", "{\"grade\"", "{\"grade\":",
        ]
        for text in texts { #expect(format.answer(in: text) == .unparsed) }
    }
}
