/// How an answer came about: a tree of stages, calls and decisions.
public struct Trace: Sendable, Codable {
    /// The outermost call.
    public var root: TraceNode
    /// The seed of the run.
    public var seed: UInt64
    /// The sum over all calls.
    public var usage: Usage

    /// Makes a trace.
    public init(root: TraceNode, seed: UInt64, usage: Usage) {
        self.root = root
        self.seed = seed
        self.usage = usage
    }

    /// All nodes, parents before children, in the order in which they began.
    public var nodes: [TraceNode] {
        var result: [TraceNode] = []
        func visit(_ node: TraceNode) {
            result.append(node)
            node.children.forEach(visit)
        }
        visit(root)
        return result
    }

    /// The calls to models.
    public var calls: [TraceNode] { nodes.filter { $0.kind == .call } }

    /// The first node with a name, if any.
    public subscript(name: String) -> TraceNode? { nodes.first { $0.name == name } }
}

/// One step of a ``Trace``.
public struct TraceNode: Sendable, Codable, Identifiable {
    /// What sort of step it was.
    public enum Kind: String, Hashable, Sendable, Codable {
        /// A model was called.
        case call
        /// A collaboration answered.
        case collaboration
        /// A stage of a pipeline advanced.
        case stage
    }

    /// A fact that a stage recorded about itself.
    public struct Note: Hashable, Sendable, Codable {
        /// What it is.
        public var key: String
        /// Its value.
        public var value: String
    }

    /// Whether a call is charged for.
    public enum Billing: String, Hashable, Sendable, Codable {
        /// It was answered.
        case billed
        /// It failed after the server may have worked on it. What it used is an estimate.
        case possiblyBilled
        /// It failed before the server worked on it.
        case notBilled
        /// It was answered from a cache, or by an equal call under way: it used nothing.
        case cached
    }

    /// The order in which the steps began, from 0.
    public var id: Int
    /// What sort of step it was.
    public var kind: Kind
    /// The model's or the stage's name.
    public var name: String
    /// What was asked, for a call or collaboration.
    public var request: Request?
    /// What was answered.
    public var text: String?
    /// How sure the author was, where it was measured.
    public var confidence: Double?
    /// What the step used; for stages and collaborations the sum of their calls.
    public var usage: Usage
    /// When it began, since the run began.
    public var start: Duration
    /// How long it took; `nil` if it never ended.
    public var duration: Duration?
    /// The decisions that were taken, in order.
    public var decisions: [Decision]
    /// Facts, in order.
    public var notes: [Note]
    /// What members said in a text-level collaboration, in order.
    public var turns: [Turn]
    /// Why the answer of a call ended; `nil` of what is no call, was not answered, or came from a cache.
    public var ending: Response.Ending?
    /// Whether a call is charged for; `nil` of what is no call, or has not ended.
    public var billing: Billing?
    /// The server's own identifier of a call, where it told one with a failure.
    public var requestID: String?
    /// The error with which it ended, if it did.
    public var failure: String?
    /// What happened within it.
    public var children: [TraceNode]

    /// The value of a note, if there is one.
    public func note(_ key: String) -> String? { notes.last { $0.key == key }?.value }
}
