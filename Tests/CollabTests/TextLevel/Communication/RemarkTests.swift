import Collab
import CollabTesting
import Foundation
import Testing

/// What is said in a procedure beside answers belongs to the talk, too: to what is exchanged, and to what it costs.
@Suite("Remarks")
struct RemarkTests {
    /// A member that answers with a number and criticises in four words.
    private func member(_ name: String, _ number: Int) -> some TextModel {
        ScriptedModel(name) { (request, _) async throws(CollabError) in
            ScriptedAnswer(
                request.question.contains("wrong or missing") ? "One is missing here" : "\(number)"
            )
        }
    }

    @Test("stand in the log with whom they heard, and count for edges and tokens")
    func feedback() async throws {
        let panel = PeerFeedback(rounds: 1, reviewers: 2, answers: .numeric) {
            member("a", 1); member("b", 2); member("c", 3)
        }
        let talk = try #require(try await panel.respond(to: "?", in: Run(seed: 1)).trace?.talks.first)
        #expect(talk.turns.count == 6)
        #expect(talk.remarks.count == 6)
        // Each answer of one word went to two critics, each criticism of four words to its author.
        let round = talk.edges.filter { $0.round == 1 }
        #expect(round.reduce(0) { $0 + $1.messages } == 12)
        #expect(round.reduce(0) { $0 + $1.tokens } == 6 * 1 + 6 * 4)
        let toAuthor = round.filter { $0.from == "b" && $0.to == "a" }
        #expect(toAuthor.map(\.tokens) == [1 + 4])
        #expect(talk.tokens(in: ...0) == talk.turns.prefix(3).reduce(0) { $0 + ($1.usage?.totalTokens ?? 0) })
        let all = (talk.turns + talk.remarks).reduce(0) { $0 + ($1.usage?.totalTokens ?? 0) }
        #expect(talk.tokens(in: 0...) == all)
        // They are no answers: agreement and changes of mind are those of the answers.
        #expect(talk.members == ["a", "b", "c"])
        #expect(talk.flips.isEmpty)
        #expect(CommunicationReport(of: [talk]).laterTokens == all - talk.tokens(in: ...0))
    }

    @Test("show each reader its own summary, though one member wrote them all")
    func summaries() async throws {
        let summariser = ScriptedModel("s") { (request, _) async throws(CollabError) in
            ScriptedAnswer(request.question.contains(": 1") ? "short" : "a summary of three")
        }
        let panel = SummarisedDebate(summariser: .model(summariser), answers: .numeric) {
            member("a", 1); member("b", 2)
        }
        let talk = try #require(try await panel.respond(to: "?").trace?.talks.first)
        // a is told of b's 2, b of a's 1.
        #expect(talk.edges.filter { $0.from == "s" }.map { "\($0.to) \($0.tokens)" } == ["a 4", "b 1"])
    }

    @Test("are read from logs that know nothing of them")
    func old() throws {
        let text = #"{"turns": [], "truth": {"value": {"_0": "1"}}}"#
        let talk = try JSONDecoder().decode(Talk.self, from: Data(text.utf8))
        #expect(talk == Talk(truth: .value("1")))
    }
}
