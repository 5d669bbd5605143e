import Collab
import CollabTesting
import Testing

@Suite("A cascade that decides while an answer is written")
struct EarlyCascadeTests {
    /// Writes ABAB… with a sureness that may fall after some tokens, and ends after ten.
    private func model(_ name: String, sure: Double, later: Double? = nil) -> ScriptedLogitModel {
        ScriptedLogitModel(name, vocabulary: ["A", "B", "?"]) { prefix in
            let written = prefix.count - 1
            if written >= 10 { return [ScriptedLogitModel.end: 1] }
            let value = written < 4 ? sure : later ?? sure
            return written % 2 == 0 ? ["A": value, "?": 1 - value] : ["B": value, "?": 1 - value]
        }
    }

    private let request = Request.completion("?")

    @Test("lets an answer stream on whose first tokens are sure, and asks nobody else")
    func accepts() async throws {
        let last = ScriptedModel("last", always: "42")
        let cascade = EarlyCascade(afterTokens: 4, above: 0.8, otherwise: last) {
            model("small", sure: 0.9, later: 0.6)
        }
        var pieces: [String] = []
        for try await piece in cascade.stream(request).text { pieces.append(piece) }
        #expect(pieces.joined() == "ABABABABAB")
        #expect(pieces.count > 3)
        #expect(last.callCount == 0)
    }

    @Test("stops an answer whose first tokens are not, without showing any of it")
    func stops() async throws {
        let small = model("small", sure: 0.7)
        let cascade = EarlyCascade(afterTokens: 4, above: 0.8, otherwise: ScriptedModel("last", always: "42"))
        {
            small
            model("middle", sure: 0.75)
        }
        var pieces: [String] = []
        var answer: Response?
        for try await event in cascade.stream(request) {
            if case .text(let piece) = event { pieces.append(piece) }
            if case .response(let response) = event { answer = response }
        }
        #expect(pieces == ["42"])
        let trace = try #require(answer?.trace)
        #expect(trace.calls.map(\.name) == ["small", "middle", "last"])
        #expect(trace.calls[0].usage.completionTokens == 4)
        let decision = try #require(trace.root.decisions.first)
        #expect(decision.choice == "last")
        #expect(abs((decision.scores[0].value ?? 0) - 0.7) < 1e-6)
        #expect(decision.reason.contains("middle: 0.75 is not above 0.8, stopped"))
    }

    @Test("judges an answer that is shorter than that when it ends")
    func short() async throws {
        let cascade = EarlyCascade(
            afterTokens: 100,
            above: 0.8,
            otherwise: ScriptedModel("last", always: "42")
        ) {
            model("small", sure: 0.9)
        }
        #expect(try await cascade.respond(to: request).text == "ABABABABAB")
    }
}
