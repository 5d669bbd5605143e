/// Makes merges for one set of weights after another, in memory; only tensors whose weights have changed are computed.
///
/// The tensors are sorted into groups, such as ranges of layers; each group has weights of its own, so that a search can
/// weigh them apart. With one group all tensors share their weights. What has been computed is kept as float32, once,
/// whatever the number of candidates.
public final class MergeCandidates: Sendable {
    /// How many numbers a candidate has: those of the first group, then those of the next.
    public var dimension: Int { groupCount * weightsPerGroup }
    /// How many groups there are.
    public let groupCount: Int
    /// How many weights a group has.
    public let weightsPerGroup: Int

    private let group: @Sendable (_ tensor: String) -> Int
    private let merge: @Sendable (_ weights: [Double]) throws(CollabError) -> any Checkpoint
    private let kept = Protected<[String: Kept]>([:])
    private let computed = Protected(0)

    private struct Kept: Sendable {
        var weights: [Double]
        var values: [Float]
    }

    /// Makes candidates.
    ///
    /// - Parameters:
    ///   - weightsPerGroup: how many weights a merge has.
    ///   - groupCount: how many groups there are.
    ///   - group: the group that a tensor is in, from 0; ``layerGroup(of:layers:groups:)`` sorts by layer.
    ///   - merge: the merge of given weights, which is computed while it is read, as ``Merge`` is.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for no groups or no weights.
    public init(
        weightsPerGroup: Int,
        groupCount: Int = 1,
        group: @escaping @Sendable (_ tensor: String) -> Int = { _ in 0 },
        merge: @escaping @Sendable (_ weights: [Double]) throws(CollabError) -> any Checkpoint
    ) throws(CollabError) {
        guard weightsPerGroup > 0, groupCount > 0 else {
            throw CollabError(
                .invalidRequest,
                "A merge is learnt by weights and groups of tensors; there are \(weightsPerGroup) weights and "
                    + "\(groupCount) groups."
            )
        }
        self.weightsPerGroup = weightsPerGroup
        self.groupCount = groupCount
        self.group = group
        self.merge = merge
    }

    /// How many tensors have been computed so far.
    public var computedTensors: Int { computed.withLock { $0 } }

    /// The merge of given weights.
    ///
    /// It can be read until the next candidate is made: they share their memory, so make a model of it before.
    /// Throws ``CollabError/Code/invalidRequest`` for another number of weights, and what making a merge throws.
    public func checkpoint(for point: [Double]) throws(CollabError) -> any Checkpoint {
        guard point.count == dimension else {
            throw CollabError(
                .invalidRequest,
                "A candidate has \(dimension) weights (\(groupCount) groups of \(weightsPerGroup)), not \(point.count)."
            )
        }
        var merges: [any Checkpoint] = []
        for place in 0..<groupCount {
            merges.append(
                try merge(Array(point[place * weightsPerGroup..<(place + 1) * weightsPerGroup]))
            )
        }
        return Candidate(point, merges, of: self)
    }

    /// The group of a tensor if layers are divided evenly: the first layers are group 0, and with them what is no layer's.
    ///
    /// - Parameters:
    ///   - tensor: the name, in which the first number between dots is the layer.
    ///   - layers: how many layers the model has.
    ///   - groups: how many groups they are divided into.
    public static func layerGroup(of tensor: String, layers: Int, groups: Int) -> Int {
        guard let layer = tensor.split(separator: ".").lazy.compactMap({ Int($0) }).first, layers > 0
        else { return 0 }
        return min(max(layer, 0) * groups / layers, groups - 1)
    }

    /// The group of a tensor, one that there is.
    fileprivate func place(of tensor: String) -> Int { min(max(group(tensor), 0), groupCount - 1) }

    fileprivate func values(
        of tensor: String,
        _ point: [Double],
        _ merges: [any Checkpoint]
    ) throws(CollabError) -> [Float] {
        let place = place(of: tensor)
        let weights = Array(point[place * weightsPerGroup..<(place + 1) * weightsPerGroup])
        if let known = kept.withLock({ $0[tensor] }), known.weights == weights { return known.values }
        let values = try merges[place].values(of: tensor)
        computed.withLock { $0 += 1 }
        kept.withLock { $0[tensor] = Kept(weights: weights, values: values) }
        return values
    }
}

/// One candidate.
private struct Candidate: Checkpoint {
    private let point: [Double]
    private let merges: [any Checkpoint]
    private let source: MergeCandidates

    init(_ point: [Double], _ merges: [any Checkpoint], of source: MergeCandidates) {
        (self.point, self.merges, self.source) = (point, merges, source)
    }

    var name: String { "candidate \(point)" }
    var tensors: [TensorDescription] { merges[0].tensors }
    var specification: any ModelSpecification { merges[0].specification }
    func description(of tensor: String) -> TensorDescription? { merges[0].description(of: tensor) }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        _ = try checkRange(tensor, elements, buffer)
        // What a merge does not change is stored somewhere and need not be kept.
        let merge = merges[source.place(of: tensor)]
        if merge.storage(of: tensor) != nil {
            return try merge.read(tensor, elements: elements, into: buffer)
        }
        let values = try source.values(of: tensor, point, merges)
        _ = buffer.update(fromContentsOf: values[elements])
    }

    func storage(of tensor: String) -> TensorStorage? {
        merges[source.place(of: tensor)].storage(of: tensor)
    }
}
