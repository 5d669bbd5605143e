import Collab
import CollabTesting

extension ProtocolConformanceTests {
    /// A judge that prefers the answer with the greater number.
    @Sendable static func greaterNumber(_ question: String) -> String {
        let parts = question.split(separator: "Answer B:")
        func number(_ part: Substring?) -> Int {
            part.flatMap { Int($0.split(separator: "«")[0].filter(\.isNumber)) } ?? 0
        }
        return number(parts.first) > number(parts.last) ? "A" : "B"
    }

    static let layers: [CollaborationConformance] =
        procedure(
            "ranker without fuser, full tournament",
            calls: 3 + 6,
            hearing: [
                "dan0 ← ada0 bob0", "dan1 ← ada0 bob0", "dan2 ← ada0 cyd0", "dan3 ← ada0 cyd0",
                "dan4 ← bob0 cyd0", "dan5 ← bob0 cyd0",
            ],
            answer: "43",
            outsiders: 1,
            saying: { call in
                call.member == 3
                    ? greaterNumber(call.question) : "The answer is \([41, 43, 42][call.member])."
            }
        ) { all in RankAndFuse(top: 1, judge: .model(all[3]), answers: .numeric) }
        + procedure(
            "ranker and fuser, bubble tournament",
            calls: 3 + 2 * (2 + 1) + 1,
            answer: "43",
            outsiders: 1,
            essential: [3],
            saying: { call in
                if call.question.contains("ordered from best") { return "The answer is 43." }
                return call.member == 3
                    ? greaterNumber(call.question) : "The answer is \([41, 43, 42][call.member])."
            }
        ) { all in
            RankAndFuse(
                top: 2,
                tournament: .bubble,
                judge: .model(all[3]),
                fuser: .model(all[3]),
                answers: .numeric
            )
        }
        + procedure(
            "sequential mixture of samples",
            calls: 5 + 2,
            hearing: ["bob0 ← ada0 ada1 ada2", "bob1 ← ada3 ada4 bob0"],
            answer: "42",
            members: 1,
            outsiders: 1,
            essential: [0, 1],
            saying: { call in "The answer is \(call.member == 1 ? 42 : 40 + call.request.sample)." }
        ) { all in SequentialMixture(samples: 5, window: 3, aggregator: .model(all[1])) }
        + procedure(
            "knowledge cards",
            calls: 4,
            hearing: ["cyd1 ← ada0 bob0 cyd0"],
            answer: "42",
            essential: [2],
            answersAfter: 4,
            saying: { call in call.heard > 0 ? "The answer is 42." : "I know something." }
        ) { _ in KnowledgeCards() }
        + procedure(
            "divide and conquer",
            calls: 1 + 3 + 1,
            // Parts show the line of the plan, not the whole plan.
            hearing: ["cyd1 ← ada1 bob0 cyd0"],
            answer: "42",
            essential: [0, 2],
            answersAfter: 5,
            saying: { call in
                if call.question.contains("Split it into") {
                    return "Here it is:\n1. Count the left.\n2. Count the right.\n3. Add.\n4. Rest."
                }
                return call.question.contains("Put the whole") ? "The answer is 42." : "That part is 21."
            }
        ) { _ in DivideAndConquer(parts: 3) }
        + procedure(
            "skeleton",
            calls: 1 + 2,
            answer: "1. A sentence.",
            essential: [0],
            answersAfter: 3,
            readsAnswers: false,
            saying: { call in
                call.question.contains("outline of an answer")
                    ? "1. First point\n2. Second point" : "A sentence."
            }
        ) { _ in Skeleton() }
}
