import Collab

/// A stage that only looks at what the stages before it have left.
struct Probe: Stage {
    private let seen = Protected<(drafts: [Draft], leading: String?)?>(nil)

    var name: String { "probe" }
    var drafts: [Draft] { seen.withLock { $0?.drafts ?? [] } }
    var leading: String? { seen.withLock { $0?.leading } }

    var wasReached: Bool { seen.withLock { $0 != nil } }

    func callRange(teamSize: Int) -> ClosedRange<Int> { 0...0 }

    func advance<Access: AccessLevel>(_ deliberation: inout Deliberation<Access>) async throws(CollabError) {
        let state = (deliberation.drafts, deliberation.leading?.author)
        seen.withLock { $0 = state }
    }
}
