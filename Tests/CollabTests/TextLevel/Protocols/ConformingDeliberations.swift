import Collab
import CollabTesting

extension ProtocolConformanceTests {
    static let deliberations: [CollaborationConformance] =
        procedure(
            "nominal group",
            calls: 6,
            hearing: ["ada1 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0 cyd0", "cyd1 ← ada0 bob0 cyd0"],
            // 41 gets 2 + 1 + 3 points, 42 gets 3 + 3 + 2.
            answer: "42",
            saying: { call in
                if call.question.contains("Rank these") {
                    return ["2, 1, 3", "2, 3, 1", "1, 2, 3"][call.member]
                }
                return "The answer is \(41 + call.member)."
            }
        ) { _ in NominalGroup(answers: .numeric) }
        + procedure(
            "delphi with numbers",
            calls: 4 * 2,
            // The quartiles of 40, 41, 42, 60 are 40.75 and 46.5: ada and dan give reasons.
            hearing: [
                "ada1 ← ada0 dan0", "bob1 ← ada0 bob0 dan0", "cyd1 ← ada0 cyd0 dan0", "dan1 ← ada0 dan0",
            ],
            // Of an even number the lower median.
            answer: "41",
            members: 4,
            saying: numbers(40, 41, 42, 60)
        ) { _ in Delphi(rounds: 2) }
        + procedure(
            "delphi with choices",
            calls: 3 * 2,
            hearing: ["ada1 ← ada0", "bob1 ← ada0 bob0", "cyd1 ← ada0 cyd0"],
            answer: "B",
            saying: { call in "The answer is \(["A", "B", "B"][call.member])." }
        ) { _ in Delphi(rounds: 1, answers: .choice("A"..."C")) }
        + procedure(
            "devil's advocate",
            calls: 2 * 3 + 1,
            hearing: [
                "cyd1 ← bob0", "ada1 ← ada0 bob0 cyd1", "bob1 ← bob0 cyd1", "cyd2 ← bob0 cyd0 cyd1",
            ],
            answer: "42",
            saying: { call in
                call.question.contains("strongest case")
                    ? "It may be otherwise." : "The answer is \([41, 42, 42][call.member])."
            }
        ) { _ in DevilsAdvocate(answers: .numeric) }
        + procedure(
            "dialectical inquiry",
            calls: 5,
            hearing: ["bob0 ← ada0", "ada1 ← ada0 bob0", "bob1 ← ada0 bob0", "cyd0 ← ada0 ada1 bob0 bob1"],
            answer: "42",
            essential: [0, 1, 2],
            saying: { call in "The answer is \(call.member == 2 ? 42 : 41 + 2 * call.member)." }
        ) { _ in DialecticalInquiry(answers: .numeric) }
        + procedure(
            "stepladder",
            calls: 3 + 2 + 3,
            hearing: [
                "ada1 ← ada0 bob0", "bob1 ← ada0 bob0",
                "ada2 ← ada1 bob1 cyd0", "bob2 ← ada1 bob1 cyd0", "cyd1 ← ada1 bob1 cyd0",
            ],
            answer: "42",
            saying: numbers(41, 42, 42)
        ) { _ in Stepladder(answers: .numeric) }
        + procedure(
            "consensus conference with consent to the second draft",
            calls: 3 + 2 * 3,
            hearing: [
                "ada1 ← ada0 bob0 cyd0", "bob1 ← ada1", "cyd1 ← ada1", "ada2 ← ada1 cyd1", "bob2 ← ada2",
                "cyd2 ← ada2",
            ],
            answer: "43",
            saying: { call in
                if call.question.contains("Can you agree") {
                    return call.member == 2 && !call.question.contains("43") ? "No, it is 43." : "Yes."
                }
                if call.question.contains("met the objections") { return "The answer is 43." }
                return "The answer is \(41 + call.member)."
            }
        ) { _ in ConsensusConference(answers: .numeric) }
        + procedure(
            "consensus conference with fallback vote",
            calls: 3 + 1 * 3,
            answer: "42",
            saying: { call in
                if call.question.contains("Can you agree") { return "No." }
                return "The answer is \([41, 42, 42][call.member])."
            }
        ) { _ in ConsensusConference(drafts: 1, answers: .numeric) }
        + procedure(
            "blackboard",
            calls: 3 * 2 + 3,
            hearing: [
                "ada1 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0 cyd0", "cyd1 ← ada0 bob0 cyd0",
                "ada2 ← ada0 bob0 cyd0 cyd1", "bob2 ← ada0 bob0 cyd0 cyd1", "cyd2 ← ada0 bob0 cyd0 cyd1",
            ],
            answer: "42",
            answersAfter: 7,
            saying: { call in
                if call.question.contains("writing on the board") {
                    return call.heard > 0 && call.member < 2 ? "Done." : "Step: count."
                }
                return "The answer is \([41, 42, 42][call.member])."
            }
        ) { _ in Blackboard(rounds: 3, answers: .numeric) }
}
