import Collab
import CollabTesting

/// The debate, the vote, the best of several and the mixture as they are without a name from the literature, and the rules
/// of aggregation that ask models.
extension ProtocolConformanceTests {
    static let defaults: [CollaborationConformance] =
        [
            debate(
                "the default debate",
                DebateRules(answers: .numeric),
                calls: 9,
                hearing: [
                    // One example of each other answer, and the latest of one's own.
                    "ada1 ← ada0 bob0", "bob1 ← ada0 bob0", "cyd1 ← ada0 cyd0",
                    "ada2 ← ada1 bob1", "bob2 ← ada1 bob1", "cyd2 ← ada1 cyd1",
                ],
                answer: "42",
                saying: numbers(41, 42, 42)
            ),
            debate(
                "the default debate of members who agree",
                DebateRules(answers: .numeric),
                calls: 3,
                hearing: [],
                answer: "42",
                saying: numbers(42, 42, 42)
            ),
            debate(
                "a debate in turn on a chain",
                DebateRules(
                    rounds: 1,
                    answers: .numeric,
                    topology: .chain,
                    visibility: .complete,
                    order: .sequential
                ),
                calls: 5,
                // The first hears nobody and is not asked again; the last hears what was said in the same round.
                hearing: ["bob1 ← ada0 bob0", "cyd1 ← bob0 bob1 cyd0"],
                answer: "42",
                saying: numbers(41, 42, 42)
            ),
            CollaborationConformance(
                "a plain vote",
                calls: 3,
                hearing: [],
                answer: "42",
                saying: numbers(41, 42, 42)
            ) { members in Vote(answers: .numeric) { members } },
            CollaborationConformance(
                "the best of several by a verifier",
                members: 2,
                calls: 6,
                hearing: ["bob0 ← ada0", "bob1 ← ada1", "bob2 ← ada2"],
                answer: "42",
                essential: [0],
                saying: { call in
                    if call.member == 1 { return call.question.contains("42") ? "Yes." : "No." }
                    return "The answer is \([41, 42, 41][call.request.sample])."
                }
            ) { members in BestOf(3, by: .verified(by: members[1])) { members[0] } },
            CollaborationConformance(
                "a mixture of two layers",
                members: 4,
                calls: 7,
                hearing: [
                    "ada1 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0 cyd0", "cyd1 ← ada0 bob0 cyd0",
                    "dan0 ← ada1 bob1 cyd1",
                ],
                answer: "42",
                essential: [3],
                saying: { call in "The answer is \(call.member == 3 ? 42 : 41)." }
            ) { members in Mixture(layers: 2, aggregator: members[3]) { Array(members.prefix(3)) } },
            CollaborationConformance(
                "a vote that a judge decides",
                members: 4,
                calls: 3 + 2 * 3,
                hearing: [
                    "dan0 ← ada0 bob0", "dan1 ← ada0 bob0", "dan2 ← ada0 cyd0", "dan3 ← ada0 cyd0",
                    "dan4 ← bob0 cyd0", "dan5 ← bob0 cyd0",
                ],
                answer: "43",
                saying: { call in
                    call.member == 3
                        ? "The answer is \(greaterNumber(call.question))."
                        : "The answer is \([41, 43, 42][call.member])."
                }
            ) { members in
                Vote("judged", VoteRules(answers: .numeric, aggregation: .judge(Judge(members[3])))) {
                    Array(members.prefix(3))
                }
            },
            CollaborationConformance(
                "a vote from whose answers one is written",
                members: 4,
                calls: 4,
                hearing: ["dan0 ← ada0 bob0"],
                answer: "44",
                saying: { call in "The answer is \([41, 42, 42, 44][call.member])." }
            ) { members in
                Vote("written", VoteRules(answers: .numeric, aggregation: .synthesis(by: members[3]))) {
                    Array(members.prefix(3))
                }
            },
            CollaborationConformance(
                "a vote that escalates without four equal votes",
                members: 6,
                calls: 6,
                hearing: [],
                answer: "44",
                essential: [5],
                saying: { call in "The answer is \([41, 42, 42, 42, 41, 44][call.member])." }
            ) { members in
                Pipeline {
                    Team { Array(members.prefix(5)) }
                    Debate(DebateRules(rounds: 0, answers: .numeric, until: .votes(4)))
                    Escalate(to: .model(members[5]), answers: .numeric)
                }
            },
        ]
        + procedure(
            "escalating to the last",
            calls: 1,
            hearing: [],
            answer: "43",
            essential: [2],
            saying: numbers(41, 42, 43)
        ) { _ in Escalate(answers: .numeric) }
}
