import Collab
import CollabTesting
import Testing

@Suite("Every named protocol")
struct ProtocolConformanceTests {
    static let suites =
        defaults + independence + layers + debates + heldDebates + critiques + deliberations + pluralism

    @Test(
        "makes its calls, shows what it should, and survives budgets, cancellation, failures and noise",
        arguments: suites
    )
    func conformance(suite: CollaborationConformance) async {
        let violations = await suite.violations()
        #expect(violations.isEmpty, "\(violations.map(\.description).joined(separator: "\n"))")
    }

    // MARK: Scripts

    /// Members that give these numbers, in declaration order, whatever they hear.
    static func numbers(_ answers: Int...) -> @Sendable (CollaborationConformance.Call) -> String {
        { call in "I have counted. The answer is \(answers[call.member])." }
    }

    /// A debate of members who give numbers.
    static func debate(
        _ name: String,
        _ rules: DebateRules,
        calls: Int,
        hearing: [String]? = nil,
        answer: String? = nil,
        members: Int = 3,
        saying: @escaping @Sendable (CollaborationConformance.Call) -> String
    ) -> CollaborationConformance {
        CollaborationConformance(
            name,
            members: members,
            calls: calls,
            hearing: hearing,
            answer: answer,
            saying: saying
        ) { members in Debate(name, rules) { members } }
    }

    /// A procedure as a model with members of its own, and as a stage.
    ///
    /// - Parameter outsiders: how many of the members, the last ones, are not of the team but hold offices.
    static func procedure<Held: Procedure>(
        _ name: String,
        calls: Int,
        hearing: [String]? = nil,
        answer: String? = nil,
        members: Int = 3,
        outsiders: Int = 0,
        essential: Set<Int> = [],
        answersAfter: Int = 1,
        readsAnswers: Bool = true,
        saying: @escaping @Sendable (CollaborationConformance.Call) -> String,
        _ make: @escaping @Sendable ([any TextModel]) -> Held
    ) -> [CollaborationConformance] {
        func suite(
            _ form: String,
            of collaboration: @escaping @Sendable ([any TextModel]) -> any TextModel
        ) -> CollaborationConformance {
            CollaborationConformance(
                "\(name), as a \(form)",
                members: members + outsiders,
                calls: calls,
                hearing: hearing,
                answer: answer,
                essential: essential,
                answersAfter: answersAfter,
                readsAnswers: readsAnswers,
                saying: saying,
                of: collaboration
            )
        }
        return [
            suite("model") { all in make(all)() { Array(all.prefix(members)) } },
            suite("stage") { all in
                Pipeline {
                    Team { Array(all.prefix(members)) }
                    make(all)
                }
            },
        ]
    }
}
