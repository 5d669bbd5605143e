/// A checkpoint whose tensors are float arrays in memory.
public struct MemoryCheckpoint: Checkpoint, Identifiable {
    /// A tensor with its values.
    public struct Tensor: Hashable, Sendable {
        /// The name.
        public var name: String
        /// The extents, slowest-varying first.
        public var shape: [Int]
        /// The elements, in row-major order.
        public var values: [Float]

        /// Makes a tensor.
        public init(_ name: String, shape: [Int], values: [Float]) {
            self.name = name
            self.shape = shape
            self.values = values
        }
    }

    /// What to call it.
    public let name: String
    /// The tensors, in the order in which they were given.
    public let tensors: [TensorDescription]
    /// What the tensors are the weights of.
    public let specification: any ModelSpecification
    private let memory: [String: FloatMemory]
    private let identity = CheckpointIdentity()

    /// Makes a checkpoint.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` if a shape does not fit its values or a name occurs twice.
    public init(
        _ name: String,
        specification: any ModelSpecification = NamedSpecification("none"),
        tensors: [Tensor]
    ) throws(CollabError) {
        var memory: [String: FloatMemory] = [:]
        for tensor in tensors {
            var count: Int? = 1
            for extent in tensor.shape {
                let (product, overflow) = (count ?? 0).multipliedReportingOverflow(by: extent)
                count = overflow || extent < 0 ? nil : product
                if count == nil { break }
            }
            guard count == tensor.values.count else {
                throw CollabError(
                    .tensorMismatch,
                    "The tensor “\(tensor.name)” of shape \(tensor.shape) has \(tensor.values.count) values."
                )
            }
            guard memory.updateValue(FloatMemory(tensor.values), forKey: tensor.name) == nil else {
                throw CollabError(.tensorMismatch, "The tensor “\(tensor.name)” occurs twice in \(name).")
            }
        }
        self.name = name
        self.specification = specification
        self.memory = memory
        self.tensors = tensors.map { TensorDescription(name: $0.name, shape: $0.shape, format: .f32) }
    }

    /// Equal for copies of one value.
    public var id: ObjectIdentifier { ObjectIdentifier(identity) }

    /// Copies a range of a tensor's elements.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        _ = try checkRange(tensor, elements, buffer)
        guard let memory = memory[tensor] else { return }
        _ = buffer.update(fromContentsOf: memory.values[elements])
    }

    /// The floats' bytes.
    public func storage(of tensor: String) -> TensorStorage? {
        memory[tensor].map {
            TensorStorage(format: .f32, bytes: UnsafeRawBufferPointer($0.values), owner: $0)
        }
    }
}

/// Floats at an address that does not change.
private final class FloatMemory: @unchecked Sendable {
    // Sendable: written once, before anybody else can see it.
    let values: UnsafeBufferPointer<Float>

    init(_ values: [Float]) {
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
        _ = memory.initialize(from: values)
        self.values = UnsafeBufferPointer(memory)
    }

    deinit { values.deallocate() }
}

/// A specification of which nothing but the architecture's name is known.
public struct NamedSpecification: ModelSpecification, Hashable {
    /// The architecture's name.
    public let architecture: String

    /// Makes a specification.
    public init(_ architecture: String) { self.architecture = architecture }
}
