import Collab
import CollabTesting

extension ProtocolConformanceTests {
    static let independence: [CollaborationConformance] =
        [
            CollaborationConformance(
                "self-consistency",
                members: 1,
                calls: 5,
                hearing: [],
                answer: "42",
                essential: [0],
                saying: { call in "The answer is \([41, 42, 42, 40, 42][call.request.sample])." }
            ) { members in
                Vote("self-consistency", .selfConsistency(samples: 5, answers: .numeric)) { members }
            },
            CollaborationConformance(
                "more agents",
                members: 2,
                calls: 10,
                hearing: [],
                answer: "42",
                saying: { call in "The answer is \([41, 42, 42, 40, 42][call.request.sample])." }
            ) { members in Vote("more agents", .moreAgents(samples: 5, answers: .numeric)) { members } },
            CollaborationConformance(
                "a vote weighted by a verifier",
                members: 2,
                calls: 6,
                hearing: ["bob0 ← ada0", "bob1 ← ada1", "bob2 ← ada2"],
                answer: "42",
                essential: [0],
                saying: { call in
                    if call.member == 1 { return call.question.contains("42") ? "Yes." : "No." }
                    return "The answer is \([41, 42, 41][call.request.sample])."
                }
            ) { members in
                Vote("weighted", .verifierWeighted(by: members[1], samples: 3, answers: .numeric)) {
                    members[0]
                }
            },
        ]
        + procedure(
            "adaptive consistency of samples that agree",
            // P(Binomial(5, ½) ≤ 4) = 0.969 is the first above 0.95.
            calls: 4,
            hearing: [],
            answer: "42",
            members: 1,
            essential: [0],
            saying: { _ in "The answer is 42." }
        ) { _ in AdaptiveConsistency(samples: 40, answers: .numeric) }
        + procedure(
            "adaptive consistency of a team that differs",
            calls: 6,
            hearing: [],
            answer: "41",
            members: 3,
            saying: numbers(41, 42, 41)
        ) { _ in AdaptiveConsistency(samples: 2, answers: .numeric) }
        + procedure(
            "the most self-consistent member",
            calls: 9,
            hearing: [],
            // bob is steady, the others are split, though 41 has more votes in all.
            answer: "42",
            saying: { call in
                let samples = [[41, 41, 40], [42, 42, 42], [41, 41, 43]][call.member]
                return "The answer is \(samples[call.request.sample])."
            }
        ) { _ in MostSelfConsistent(samples: 3, answers: .numeric) }
}
