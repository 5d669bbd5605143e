import Collab
import CollabTesting

extension ProtocolConformanceTests {
    static let pluralism: [CollaborationConformance] =
        procedure(
            "overton",
            calls: 4,
            hearing: ["cyd1 ← ada0 bob0 cyd0"],
            essential: [2],
            saying: { call in call.heard > 0 ? "Some see it so, some otherwise." : "I see it so." }
        ) { _ in Overton(perspectives: ["You are a farmer.", "You are a miller."]) }
        + procedure(
            "steerable",
            calls: 5,
            hearing: ["cyd1 ← ada0 bob0 cyd0", "cyd2 ← bob0"],
            essential: [2],
            saying: { call in
                if call.question.contains("Which of these comments") { return "2" }
                return call.heard > 0 ? "As a farmer I see it so." : "I see it so."
            }
        ) { _ in Steerable(as: "a farmer") }
        + procedure(
            "distributional",
            calls: 6,
            hearing: [],
            answer: "yes: 0.5",
            saying: { call in
                ["Yes.", "No.", call.request.sample == 0 ? "Yes." : "No."][call.member]
            }
        ) { _ in Distributional(samples: 2, answers: .yesNo) }
}
