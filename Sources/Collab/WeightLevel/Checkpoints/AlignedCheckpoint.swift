/// Neurons that may change places without a change of what a model computes: the rows of some tensors and, in the same
/// order, the columns of others.
public struct NeuronGroup: Hashable, Sendable, Codable {
    /// The tensors of which each row, or element, belongs to a neuron.
    public var rows: [String]
    /// The matrices of which each column belongs to a neuron.
    public var columns: [String]

    /// Makes a group.
    public init(rows: [String], columns: [String]) {
        self.rows = rows
        self.columns = columns
    }

    /// The feed-forward neurons of every layer of a transformer with gates, under the names of transformers or of GGUF.
    ///
    /// Attention heads are left as they are: within a group of heads that share keys they could change places as well, but
    /// fine-tunes of one base do not need it, and models without a common base have other differences.
    public static func feedForward(of checkpoint: any Checkpoint) -> [NeuronGroup] {
        let kinds = [
            (down: "mlp.down_proj.weight", rows: ["mlp.gate_proj.weight", "mlp.up_proj.weight"]),
            (down: "ffn_down.weight", rows: ["ffn_gate.weight", "ffn_up.weight"]),
        ]
        var groups: [NeuronGroup] = []
        for tensor in checkpoint.tensors {
            for kind in kinds where tensor.name.hasSuffix(kind.down) {
                let prefix = String(tensor.name.dropLast(kind.down.count))
                let rows = kind.rows.map { prefix + $0 }.filter { checkpoint.description(of: $0) != nil }
                groups.append(NeuronGroup(rows: rows, columns: [tensor.name]))
            }
        }
        return groups
    }
}

/// A checkpoint whose neurons stand in the order in which they match another's best.
///
/// S. Ainsworth et al., *Git Re-Basin: Merging Models modulo Permutation Symmetries*, 2023 (weight matching): in every
/// group the order P maximises Σ ⟨A, P B⟩ over the tensors of the group, by a linear assignment. The groups of
/// ``NeuronGroup/feedForward(of:)`` do not depend on one another, so that one assignment each is the optimum. The model
/// computes what it computed before. Fine-tunes of one base match as they are; this is for models that were trained apart.
public struct AlignedCheckpoint: Checkpoint, Identifiable {
    /// The checkpoint beneath.
    public let source: any Checkpoint
    /// The tensors that are changed, and where the rows (or columns) at each place come from.
    private let rowOrders: [String: [Int]]
    private let columnOrders: [String: [Int]]
    private let identity = CheckpointIdentity()

    /// The most bytes of gains of pairs of neurons that are in memory: those of 4,096 neurons a block.
    private static let mostGainBytes = 1 << 27

    /// Finds the order of each group.
    ///
    /// The gains of all pairs of a group's neurons, 8 bytes each, are in memory up to 134 MB, which are enough for 4,096
    /// neurons; those of larger groups are in a scratch file without a name, in the folder that the variable `TMPDIR` names
    /// or in `/var/tmp`, and strips of 134 MB of them are in memory while they are computed
    /// (``scratchByteCount(of:in:)``). Beside them some 13 MB are. The reference's tensors are read once. Of the source, a
    /// tensor whose columns are neurons is read once for each strip, and one whose rows are neurons once for every 2²⁰
    /// elements of it, and for each strip.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` for tensors of a group that one of the two lacks or that differ in shape,
    /// ``CollabError/Code/unsupported`` where there is no linear algebra, ``CollabError/Code/inputOutput`` where the disk has
    /// no space for a scratch file, and what reading throws.
    public init(
        _ source: any Checkpoint,
        to reference: any Checkpoint,
        groups: [NeuronGroup]
    ) throws(CollabError) {
        try self.init(source, to: reference, groups: groups, mostGainBytes: Self.mostGainBytes)
    }

    /// - Parameter mostGainBytes: how many bytes of gains are in memory.
    init(
        _ source: any Checkpoint,
        to reference: any Checkpoint,
        groups: [NeuronGroup],
        mostGainBytes: Int
    ) throws(CollabError) {
        var (rowOrders, columnOrders): ([String: [Int]], [String: [Int]]) = ([:], [:])
        for group in groups {
            try checkCancellation()
            let order = try Self.order(of: group, source, reference, mostGainBytes)
            if order == Array(order.indices) { continue }
            for name in group.rows { rowOrders[name] = order }
            for name in group.columns { columnOrders[name] = order }
        }
        self.source = source
        self.rowOrders = rowOrders
        self.columnOrders = columnOrders
    }

    /// How many bytes of disk space finding the order of groups takes: 8 for each pair of neurons of the largest group, or
    /// none where its gains are in memory.
    public static func scratchByteCount(of groups: [NeuronGroup], in checkpoint: any Checkpoint) -> Int {
        let counts = groups.map { group in
            let shapes = [
                group.rows.first.flatMap { checkpoint.description(of: $0)?.shape.first },
                group.columns.first.flatMap { checkpoint.description(of: $0)?.shape.last },
            ]
            return shapes.compactMap { $0 }.max() ?? 0
        }
        let bytes = gainByteCount(of: counts.max() ?? 0)
        return bytes > mostGainBytes ? bytes : 0
    }

    /// The bytes of the gains of so many neurons; the largest number where it is no number.
    private static func gainByteCount(of count: Int) -> Int {
        let (pairs, overflows) = count.multipliedReportingOverflow(by: count)
        return overflows || pairs > Int.max / 8 ? .max : 8 * pairs
    }

    /// For each place the neuron of the source that comes to stand there.
    private static func order(
        of group: NeuronGroup,
        _ source: any Checkpoint,
        _ reference: any Checkpoint,
        _ mostGainBytes: Int
    ) throws(CollabError) -> [Int] {
        var counts: [Int] = []
        var others: [String: Int] = [:]
        for name in group.rows + group.columns {
            let shape = try Self.shape(name, source, reference)
            let isRows = counts.count < group.rows.count
            counts.append(isRows ? shape.rows : shape.columns)
            others[name] = isRows ? shape.columns : shape.rows
            if counts.last != counts.first {
                throw CollabError(
                    .tensorMismatch,
                    "“\(name)” has another number of neurons than its group."
                )
            }
        }
        guard let count = counts.first, count > 0 else { return [] }
        // Neurons without weights are all alike.
        guard others.values.contains(where: { $0 > 0 }) else { return [] }
        let bytes = gainByteCount(of: count)
        func gains(of neurons: Range<Int>) throws(CollabError) -> DoubleMatrix {
            var sums = NeuronGains(of: reference, with: source, neurons: neurons, count: count)
            for name in group.rows { try sums.addRows(of: name, columns: others[name] ?? 0) }
            for name in group.columns { try sums.addColumns(of: name, rows: others[name] ?? 0) }
            guard sums.matrix.values.allSatisfy(\.isFinite) else {
                throw CollabError(
                    .notFinite,
                    "Neurons with weights that are not finite cannot be aligned: \(group.rows)."
                )
            }
            return sums.matrix
        }
        if bytes <= mostGainBytes {
            return try Assignment(maximising: KeptGains(matrix: gains(of: 0..<count))).columns
        }
        let stored = try StoredMatrix(rows: count, columns: count)
        for neurons in TaskMatrices.parts(of: count, TaskMatrices.length(of: mostGainBytes / 8, count)) {
            try stored.put(gains(of: neurons), row: neurons.lowerBound)
        }
        return try Assignment(maximising: StoredGains(stored)).columns
    }

    /// The shape that a tensor has in both; a vector is a matrix of one column.
    private static func shape(
        _ name: String,
        _ source: any Checkpoint,
        _ reference: any Checkpoint
    ) throws(CollabError) -> (rows: Int, columns: Int) {
        guard let shape = source.description(of: name)?.shape, (1...2).contains(shape.count),
            shape == reference.description(of: name)?.shape
        else {
            throw CollabError(
                .tensorMismatch,
                "“\(name)” cannot be aligned: \(source.name) and \(reference.name) do not both have it in one shape."
            )
        }
        return (shape[0], shape.count > 1 ? shape[1] : 1)
    }

    /// Equal for copies of one value.
    public var id: ObjectIdentifier { ObjectIdentifier(identity) }
    /// The source's name.
    public var name: String { source.name }
    /// The source's tensors.
    public var tensors: [TensorDescription] { source.tensors }
    /// What the source's tensors are the weights of.
    public var specification: any ModelSpecification { source.specification }
    /// The description of a tensor, or `nil`.
    public func description(of tensor: String) -> TensorDescription? { source.description(of: tensor) }
    /// How many tensors have neurons in other places than in the source.
    public var changedTensorCount: Int { rowOrders.count + columnOrders.count }
    /// The stored form of tensors whose neurons stay where they are.
    public func storage(of tensor: String) -> TensorStorage? {
        rowOrders[tensor] == nil && columnOrders[tensor] == nil ? source.storage(of: tensor) : nil
    }

    /// Reads elements from where they stand in the source.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        let shape = try checkRange(tensor, elements, buffer).shape
        let columns = shape.count > 1 ? shape[1] : 1
        if let order = columnOrders[tensor], !elements.isEmpty {
            let rows = elements.lowerBound / columns..<(elements.upperBound - 1) / columns + 1
            let whole = try source.values(
                of: tensor,
                elements: rows.lowerBound * columns..<rows.upperBound * columns
            )
            for place in elements {
                let (row, column) = place.quotientAndRemainder(dividingBy: columns)
                buffer[place - elements.lowerBound] = whole[(row - rows.lowerBound) * columns + order[column]]
            }
        } else if let order = rowOrders[tensor] {
            var start = elements.lowerBound
            while start < elements.upperBound {
                let row = start / columns
                let end = min((row + 1) * columns, elements.upperBound)
                let first = order[row] * columns + start - row * columns
                let target = buffer[start - elements.lowerBound..<end - elements.lowerBound]
                try source.read(
                    tensor,
                    elements: first..<first + end - start,
                    into: UnsafeMutableBufferPointer(rebasing: target)
                )
                start = end
            }
        } else {
            try source.read(tensor, elements: elements, into: buffer)
        }
    }
}

extension Checkpoint {
    /// The checkpoint with its feed-forward neurons in the order in which they match another model's best; see
    /// ``AlignedCheckpoint``.
    ///
    /// Throws what ``AlignedCheckpoint/init(_:to:groups:)`` throws.
    public func aligned(to reference: any Checkpoint) throws(CollabError) -> AlignedCheckpoint {
        try AlignedCheckpoint(self, to: reference, groups: NeuronGroup.feedForward(of: reference))
    }
}
