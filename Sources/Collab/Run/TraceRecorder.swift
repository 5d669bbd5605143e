/// Collects a run's nodes while it goes on.
struct TraceRecorder {
    private(set) var nodes: [TraceNode] = []
    private var children: [[Int]] = []

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
        children.append([])
        if let parent { children[parent].append(id) }
        return id
    }

    mutating func update(_ id: Int, _ change: (inout TraceNode) -> Void) {
        change(&nodes[id])
    }

    /// The sum of the calls at and under a node.
    func usage(under root: Int) -> Usage {
        if nodes[root].kind == .call { return nodes[root].usage }
        return children[root].reduce(Usage()) { $0 + usage(under: $1) }
    }

    /// The subtree under a node, with the usage of inner nodes summed from their calls.
    func tree(from root: Int) -> TraceNode {
        var node = nodes[root]
        node.children = children[root].map(tree)
        if node.kind != .call { node.usage = node.children.reduce(Usage()) { $0 + $1.usage } }
        return node
    }
}
