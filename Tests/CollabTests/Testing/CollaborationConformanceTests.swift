import Collab
import CollabTesting
import Testing

@Suite("The conformance suite of collaborations")
struct CollaborationConformanceTests {
    /// Asks its members in turn and answers with the last answer, but breaks one promise.
    struct Broken: BoundedCollaboration {
        enum Fault: CaseIterable {
            case none, swallowsCancellation, losesAnswers, hidesTheEnd, streamsSomethingElse, callsTwice
            case takesTheFirst, takesNoise, miscounts, givesUp
        }

        var fault: Fault
        var members: [any TextModel]
        var name: String { "broken" }
        var callRange: ClosedRange<Int> { fault == .miscounts ? 1...1 : 2...3 }

        func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
            var best: Response?
            for member in members {
                do throws(CollabError) {
                    let response = try await member.respond(to: request)
                    if fault == .callsTwice { _ = try await member.respond(to: request) }
                    let isReadable = AnswerFormat.numeric.answer(in: response.text).isParsed
                    if best == nil || (fault != .takesTheFirst && isReadable) || fault == .takesNoise {
                        best = response
                    }
                } catch {
                    switch error.code {
                    case .cancelled where fault != .swallowsCancellation: throw error
                    case .budgetExhausted:
                        guard fault != .losesAnswers, var answer = best else { throw error }
                        if fault != .hidesTheEnd { answer.ending = .budgetExhausted }
                        await sink.send(answer.text)
                        return answer
                    default: if fault == .givesUp { throw error }
                    }
                }
            }
            guard let best else { throw CollabError(.serverError, "Nobody has answered.") }
            await sink.send(fault == .streamsSomethingElse ? "Well…" : best.text)
            return best
        }
    }

    private func promises(_ fault: Broken.Fault) async -> [String] {
        let suite = CollaborationConformance(
            "\(fault)",
            members: 2,
            calls: 2,
            hearing: [],
            answer: "The answer is",
            saying: { call in "The answer is \(41 + call.member)." }
        ) { members in Broken(fault: fault, members: members) }
        return await suite.violations().map(\.promise)
    }

    @Test("finds nothing wrong with a collaboration that keeps its promises")
    func sound() async {
        #expect(await promises(.none).isEmpty)
    }

    @Test(
        "notices a broken promise",
        arguments: [
            (Broken.Fault.swallowsCancellation, "cancellation in call 0"),
            (.losesAnswers, "a budget of 1 of 2 calls"),
            (.hidesTheEnd, "a budget of 1 of 2 calls"),
            (.streamsSomethingElse, "the pieces sent are the text"),
            (.callsTwice, "no member is asked the same sample twice"),
            (.takesTheFirst, "a run in which nothing of what ada says can be read"),
            (.takesNoise, "a run in which nothing of what bob says can be read"),
            (.miscounts, "the calls are forecast"),
            (.givesUp, "a run in which ada fails"),
        ]
    )
    func broken(fault: Broken.Fault, promise: String) async {
        #expect(await promises(fault).contains(promise))
    }

    @Test("tells the calls and the hearing that it has seen")
    func differs() async {
        let suite = CollaborationConformance(
            "debate",
            members: 2,
            calls: 5,
            hearing: ["ada1 ← bob0"],
            answer: "43",
            saying: { call in "The answer is \(41 + call.member)." }
        ) { members in Debate(rounds: 1, answers: .numeric) { members } }
        let found = await suite.violations()
        #expect(
            found.map(\.promise) == [
                "the run makes 5 calls", "everybody hears whom it should", "the answer contains “43”",
            ]
        )
        #expect(found[1].observation == "[\"ada1 ← ada0 bob0\", \"bob1 ← ada0 bob0\"]")
    }
}
