/// A checkpoint with low-rank changes: W + Σ s · B A, computed while it is read.
public struct AdaptedCheckpoint: Checkpoint, Identifiable {
    /// What to call it.
    public let name: String
    /// The checkpoint beneath.
    public let base: any Checkpoint
    private let updates: [String: [LowRankUpdate]]
    private let identity = CheckpointIdentity()

    /// Makes an adapted checkpoint.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` if a change fits no tensor.
    public init(_ name: String? = nil, base: any Checkpoint, updates: [LowRankUpdate]) throws(CollabError) {
        for update in updates {
            guard let description = base.description(of: update.tensor) else {
                throw CollabError(.tensorMismatch, "\(base.name) has no tensor “\(update.tensor)” to change.")
            }
            guard description.shape == update.shape else {
                throw CollabError(
                    .tensorMismatch,
                    "A change of shape \(update.shape) does not fit “\(update.tensor)” of shape \(description.shape)."
                )
            }
        }
        self.name = name ?? "\(base.name), adapted"
        self.base = base
        self.updates = Dictionary(grouping: updates, by: \.tensor)
    }

    /// Equal for copies of one value.
    public var id: ObjectIdentifier { ObjectIdentifier(identity) }
    /// The base's tensors.
    public var tensors: [TensorDescription] { base.tensors }
    /// What the base's tensors are the weights of.
    public var specification: any ModelSpecification { base.specification }
    /// The description of a tensor, or `nil`.
    public func description(of tensor: String) -> TensorDescription? { base.description(of: tensor) }
    /// The base's stored form, where nothing changes it.
    public func storage(of tensor: String) -> TensorStorage? {
        updates[tensor] == nil ? base.storage(of: tensor) : nil
    }

    /// Reads from the base and adds the changes.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        _ = try checkRange(tensor, elements, buffer)
        try base.read(tensor, elements: elements, into: buffer)
        for update in updates[tensor] ?? [] { update.add(to: buffer, elements) }
    }
}
