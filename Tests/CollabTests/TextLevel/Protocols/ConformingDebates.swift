import Collab
import CollabTesting

extension ProtocolConformanceTests {
    static let debates: [CollaborationConformance] = [
        debate(
            "multi-agent debate",
            .multiAgentDebate(rounds: 2, answers: .numeric),
            calls: 9,
            hearing: [
                "ada1 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0 cyd0", "cyd1 ← ada0 bob0 cyd0",
                // The whole own history, but only the latest of the others.
                "ada2 ← ada0 ada1 bob1 cyd1", "bob2 ← ada1 bob0 bob1 cyd1", "cyd2 ← ada1 bob1 cyd0 cyd1",
            ],
            answer: "42",
            saying: numbers(41, 42, 42)
        ),
        debate(
            "round table with recalibrated confidence",
            .reconcile(rounds: 1, answers: .numeric),
            // Each statement is followed by the question how sure its author is.
            calls: 12,
            hearing: [
                "ada1 ← ada0", "ada2 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0 cyd0", "bob2 ← bob0",
                "cyd1 ← ada0 bob0 cyd0", "cyd2 ← cyd0",
                "ada3 ← ada0 ada2 bob0 cyd0", "bob3 ← ada0 bob0 bob1 cyd0", "cyd3 ← ada0 bob0 cyd0 cyd1",
            ],
            // One that is sure outweighs two that are not: 1 against twice 0.3.
            answer: "41",
            saying: { call in
                if call.question.contains("How sure are you") { return ["100", "70", "75"][call.member] }
                return "The answer is \([41, 42, 43][call.member])."
            }
        ),
        debate(
            "sparse debate on a ring",
            .sparseDebate(answers: .numeric),
            calls: 8,
            hearing: [
                "ada1 ← ada0 bob0 dan0", "bob1 ← ada0 bob0 cyd0", "cyd1 ← bob0 cyd0 dan0",
                "dan1 ← ada0 cyd0 dan0",
            ],
            answer: "42",
            members: 4,
            saying: numbers(41, 42, 42, 43)
        ),
        debate(
            "de-duplicated debate",
            .deduplicatedDebate(rounds: 3, answers: .numeric),
            // After the first round nothing is new, and nobody is asked again.
            calls: 6,
            hearing: ["ada1 ← ada0 bob0", "bob1 ← ada0 bob0", "cyd1 ← ada0 cyd0"],
            answer: "42",
            saying: numbers(41, 42, 42)
        ),
        debate(
            "exchange of thought, memory",
            .exchangeOfThought(.memory, rounds: 1, answers: .numeric),
            calls: 6,
            hearing: ["ada1 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0 cyd0", "cyd1 ← ada0 bob0 cyd0"],
            answer: "42",
            saying: numbers(41, 42, 42)
        ),
        debate(
            "exchange of thought, report",
            .exchangeOfThought(.report, rounds: 1, answers: .numeric),
            calls: 6,
            hearing: ["ada1 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0", "cyd1 ← ada0 cyd0"],
            answer: "42",
            saying: numbers(41, 42, 42)
        ),
        debate(
            "exchange of thought, relay",
            .exchangeOfThought(.relay, rounds: 1, answers: .numeric),
            calls: 6,
            hearing: ["ada1 ← ada0 cyd0", "bob1 ← ada0 bob0", "cyd1 ← bob0 cyd0"],
            answer: "42",
            saying: numbers(41, 42, 42)
        ),
        debate(
            "exchange of thought, debate",
            .exchangeOfThought(.debate, of: 4, rounds: 1, answers: .numeric),
            calls: 8,
            hearing: [
                "ada1 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0 dan0", "cyd1 ← ada0 cyd0", "dan1 ← bob0 dan0",
            ],
            answer: "42",
            members: 4,
            saying: numbers(41, 42, 42, 42)
        ),
        debate(
            "different methods",
            .differentMethods(rounds: 1, answers: .numeric),
            calls: 6,
            hearing: ["ada1 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0 cyd0", "cyd1 ← ada0 bob0 cyd0"],
            answer: "42",
            saying: { call in
                // The method is in the standing instructions of both rounds.
                let methods = ["step by step", "the principle", "a program"]
                let isTold = call.request.messages[0].text.contains(methods[call.member])
                return isTold ? "The answer is \([41, 42, 42][call.member])." : "Hm"
            }
        ),
    ]

    static let heldDebates: [CollaborationConformance] =
        procedure(
            "summarised debate",
            calls: 3 + 3 + 3,
            hearing: [
                "ada1 ← ada0 bob0", "ada2 ← ada0 cyd0", "ada3 ← bob0 cyd0",
                "ada4 ← ada0 ada3", "bob1 ← ada2 bob0", "cyd1 ← ada1 cyd0",
            ],
            answer: "42",
            saying: { call in
                call.question.contains("Summarise")
                    ? "They say this and that." : "The answer is \([41, 42, 42][call.member])."
            }
        ) { _ in SummarisedDebate(rounds: 1, answers: .numeric) }
        + procedure(
            "moderated debate without a clear side",
            calls: 3 * 2 + 2,
            hearing: [
                "bob0 ← ada0", "ada1 ← ada0 bob0", "cyd0 ← ada0 bob0", "bob1 ← ada1 bob0", "cyd1 ← ada1 bob1",
                "cyd2 ← ada1 bob1", "cyd3 ← cyd2",
            ],
            answer: "42",
            essential: [0, 1, 2],
            saying: { call in
                if call.question.contains("Is it clear") { return "No, go on." }
                if call.question.contains("List the different") { return "41 and 42" }
                if call.question.contains("Decide which") { return "The answer is 42." }
                return "The answer is \(41 + call.member)."
            }
        ) { _ in ModeratedDebate(rounds: 2, answers: .numeric) }
        + procedure(
            "moderated debate with a clear side",
            calls: 3,
            hearing: ["bob0 ← ada0", "cyd0 ← ada0 bob0"],
            answer: "42",
            essential: [0, 1, 2],
            saying: { call in
                if call.question.contains("Is it clear") { return "Yes. The answer is 42." }
                return "The answer is \(41 + call.member)."
            }
        ) { _ in ModeratedDebate(rounds: 3, answers: .numeric) }
        + procedure(
            "debate when needed, needed since no confidence is told",
            calls: 6,
            hearing: ["ada1 ← ada0 bob0", "bob1 ← ada0 bob0", "cyd1 ← ada0 cyd0"],
            answer: "42",
            essential: [0],
            saying: numbers(41, 42, 42)
        ) { _ in
            DebateWhenNeeded(debating: DebateRules(rounds: 1, answers: .numeric))
        }
        + procedure(
            "debate when needed, not needed",
            calls: 2,
            hearing: ["ada1 ← ada0"],
            answer: "41",
            essential: [0],
            saying: { call in call.question.contains("How sure") ? "95" : "The answer is \(41 + call.member)."
            }
        ) { _ in
            DebateWhenNeeded(confidence: .verbalised, debating: DebateRules(rounds: 1, answers: .numeric))
        }
        + procedure(
            "debate scored over trajectories",
            calls: 6,
            hearing: ["ada1 ← ada0 bob0 cyd0", "bob1 ← ada0 bob0 cyd0", "cyd1 ← ada0 bob0 cyd0"],
            // 42 scores 1 + ½ twice; 41 scores 1 − ½, 43 ½.
            answer: "42",
            saying: { call in
                "The answer is \(call.heard > 0 && call.member == 0 ? 43 : [41, 42, 42][call.member])."
            }
        ) { _ in TrajectoryDebate(answers: .numeric) }
        + procedure(
            "persona panel",
            calls: 9,
            hearing: [
                "ada1 ← ada0 bob0", "ada2 ← ada0 bob0", "bob1 ← ada0 bob0", "bob2 ← ada0 bob0",
                "cyd1 ← ada0 bob0", "cyd2 ← ada0 bob0",
            ],
            // 42 is scored better, wherever it stands, though 41 has two votes.
            answer: "42",
            saying: { call in
                if call.question.contains("Score both") {
                    return greaterNumber(call.question) == "A" ? "8, 3" : "3, 8"
                }
                return "The answer is \([41, 42, 41][call.member])."
            }
        ) { _ in PersonaPanel(answers: .numeric) }
}
