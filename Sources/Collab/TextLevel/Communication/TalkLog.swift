/// The talks of a run, folded from its events while it goes on.
///
/// A run may hold several talks, one after the other or one within another (a member may be a team): turns belong to the
/// same talk if the same stage or collaboration held their rounds.
///
/// ```swift
/// var log = TalkLog()
/// let run = Run()
/// for await event in run.events {
///     log.add(event)
///     print(log.talks.last?.agreement() ?? 0)
/// }
/// ```
public struct TalkLog: Sendable {
    private var parents: [Int: Int] = [:]
    private var talksByHolder: [Int: Talk] = [:]
    /// How many events the reader missed; what was said in them is not in the talks.
    public private(set) var missedEvents = 0

    /// Makes an empty log.
    public init() {}

    /// The talks so far, in the order in which they began.
    public var talks: [Talk] { talksByHolder.sorted { $0.key < $1.key }.map(\.value) }

    /// Takes an event in.
    public mutating func add(_ event: RunEvent) {
        missedEvents += event.skipped
        switch event.kind {
        case .started: parents[event.node] = event.parent
        case .spoke(let turn): add(turn, at: event.node)
        case .decided(let decision): add(decision, at: event.node)
        default: break
        }
    }

    /// Takes a step of a finished run in, with those beneath it.
    mutating func add(_ node: TraceNode, beneath parent: Int?) {
        parents[node.id] = parent
        for turn in node.turns { add(turn, at: node.id) }
        for child in node.children { add(child, beneath: node.id) }
        // A talk is decided after its rounds.
        for decision in node.decisions { add(decision, at: node.id) }
    }

    private mutating func add(_ turn: Turn, at node: Int) {
        let holder = parents[node] ?? node
        if turn.isRemark == true {
            talksByHolder[holder, default: Talk()].remarks.append(turn)
        } else {
            talksByHolder[holder, default: Talk()].turns.append(turn)
        }
    }

    private mutating func add(_ decision: Decision, at node: Int) {
        if let answer = decision.answer { talksByHolder[node]?.outcome = answer }
    }
}

extension Trace {
    /// The talks that were held, in the order in which they began.
    public var talks: [Talk] {
        var log = TalkLog()
        log.add(root, beneath: nil)
        return log.talks
    }
}
