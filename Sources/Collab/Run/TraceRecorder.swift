/// Collects a run's nodes while it goes on.
struct TraceRecorder {
    private(set) var nodes: [TraceNode] = []
    private var parents: [Int?] = []

    mutating func begin(
        _ kind: TraceNode.Kind,
        name: String,
        request: Request?,
        parent: Int?,
        at time: Duration
    ) -> Int {
        let id = nodes.count
        nodes.append(
            TraceNode(
                id: id,
                kind: kind,
                name: name,
                request: request,
                usage: Usage(),
                start: time,
                decisions: [],
                notes: [],
                turns: [],
                children: []
            )
        )
        parents.append(parent)
        return id
    }

    mutating func update(_ id: Int, _ change: (inout TraceNode) -> Void) {
        change(&nodes[id])
    }

    /// The subtree under a node, with the usage of inner nodes summed from their calls.
    func tree(from root: Int) -> TraceNode {
        var children: [[Int]] = Array(repeating: [], count: nodes.count)
        for (id, parent) in parents.enumerated() {
            if let parent { children[parent].append(id) }
        }
        func build(_ id: Int) -> TraceNode {
            var node = nodes[id]
            node.children = children[id].map(build)
            if node.kind != .call {
                node.usage = node.children.reduce(Usage()) { $0 + $1.usage }
            }
            return node
        }
        return build(root)
    }
}
