import Collab
import CollabTesting

extension ProtocolConformanceTests {
    static let critiques: [CollaborationConformance] =
        procedure(
            "refinement by another",
            calls: 5,
            hearing: [
                "bob0 ← ada0", "ada1 ← ada0 bob0", "bob1 ← ada1", "ada2 ← ada1 bob1",
            ],
            answer: "42",
            members: 2,
            essential: [0],
            saying: { call in
                if call.question.contains("Is this answer right") { return "No, one is missing." }
                return "The answer is \(call.question.contains("Criticism") ? 42 : 41)."
            }
        ) { _ in Refine(rounds: 2, critic: .last, answers: .numeric) }
        + procedure(
            "refinement by itself, which is content",
            calls: 2,
            hearing: ["ada1 ← ada0"],
            answer: "41",
            members: 1,
            essential: [0],
            saying: { call in call.question.contains("Is this answer right") ? "Yes." : "The answer is 41." }
        ) { _ in Refine(answers: .numeric) }
        + procedure(
            "feedback by random peers",
            calls: 4 + 4 * (2 + 1),
            answer: "42",
            members: 4,
            saying: { call in
                if call.question.contains("wrong or missing") { return "One is missing." }
                return "The answer is \([41, 42, 42, 43][call.member])."
            }
        ) { _ in PeerFeedback(rounds: 1, reviewers: 2, answers: .numeric) }
        + procedure(
            "verifier loop, accepted at last",
            calls: 4,
            hearing: ["bob0 ← ada0", "ada1 ← ada0 bob0", "bob1 ← ada1"],
            answer: "42",
            members: 2,
            essential: [0],
            saying: { call in
                if call.member == 1 { return call.question.contains("42") ? "Yes." : "No, one is missing." }
                return "The answer is \(call.question.contains("Objection") ? 42 : 41)."
            }
        ) { _ in VerifierLoop(attempts: 3, answers: .numeric) }
        + procedure(
            "verifier loop, never accepted",
            calls: 4,
            hearing: ["bob0 ← ada0", "ada1 ← ada0 bob0", "bob1 ← ada1"],
            answer: "41",
            members: 2,
            essential: [0],
            saying: { call in call.member == 1 ? "No." : "The answer is 41." }
        ) { _ in VerifierLoop(attempts: 2, answers: .numeric) }
        + procedure(
            "cross-examination that holds",
            calls: 6,
            hearing: [
                "bob0 ← ada0", "ada1 ← bob0", "bob1 ← ada0 ada1 bob0", "ada2 ← bob1",
                "bob2 ← ada0 ada1 ada2 bob0 bob1",
            ],
            answer: "41",
            members: 2,
            essential: [0],
            saying: { call in
                if call.question.contains("Ask its author") { return "How many are two?" }
                if call.question.contains("Do the replies agree") { return "Yes." }
                return "The answer is 41."
            }
        ) { _ in CrossExamination(answers: .numeric) }
        + procedure(
            "cooperative probe that keeps",
            calls: 4,
            hearing: ["bob0 ← ada0", "cyd0 ← ada0", "cyd1 ← ada0 bob0 cyd0"],
            answer: "41",
            essential: [0],
            saying: { call in
                if call.question.contains("true or false") { return "True." }
                return call.question.contains("for or against") ? "I know of 41." : "The answer is 41."
            }
        ) { _ in CooperativeProbe(answers: .numeric) }
        + procedure(
            "competitive probe that keeps",
            calls: 5,
            hearing: ["bob0 ← ada0", "cyd0 ← ada0", "ada1 ← bob0", "ada2 ← cyd0"],
            answer: "41",
            essential: [0],
            saying: { call in
                call.member > 0 ? "There are \(41 + call.member), they say." : "The answer is 41."
            }
        ) { _ in CompetitiveProbe(answers: .numeric) }
}
