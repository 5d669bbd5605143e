import Collab

/// Checkpoints of two matrices, one vector and one tensor that never differs.
enum ToyCheckpoints {
    static let shapes: [(name: String, shape: [Int])] = [
        ("layers.0.matrix", [13, 17]), ("layers.1.matrix", [13, 17]), ("norm", [17]), ("shared", [5]),
    ]

    static func random(
        _ name: String,
        seed: UInt64,
        scale: Float = 1,
        around base: MemoryCheckpoint? = nil
    ) throws -> MemoryCheckpoint {
        var generator = SeededGenerator(seed: seed)
        let tensors = try shapes.map { tensor in
            let count = tensor.shape.reduce(1, *)
            let start = try base?.values(of: tensor.name) ?? [Float](repeating: 0, count: count)
            let values = start.map { value in
                tensor.name == "shared" ? 0.25 : value + Float(generator.nextUnit() * 2 - 1) * scale
            }
            return MemoryCheckpoint.Tensor(tensor.name, shape: tensor.shape, values: values)
        }
        return try MemoryCheckpoint(name, specification: NamedSpecification("toy"), tensors: tensors)
    }

    /// A checkpoint of one tensor.
    static func single(_ name: String, _ values: [Float]) throws -> MemoryCheckpoint {
        try MemoryCheckpoint(name, tensors: [.init("w", shape: [values.count], values: values)])
    }
}

/// A checkpoint with an identity, which counts how often and how much of it is read.
final class SharedCheckpoint: Checkpoint {
    private let base: MemoryCheckpoint
    private let lengths = Protected<[Int]>([])
    init(_ base: MemoryCheckpoint) { self.base = base }
    var reads: Int { lengths.withLock { $0.count } }
    /// How many elements were read, those that were read again included.
    var readElements: Int { lengths.withLock { $0.reduce(0, +) } }
    /// How many elements were read at a time at most.
    var largestRead: Int { lengths.withLock { $0.max() ?? 0 } }
    var name: String { base.name }
    var tensors: [TensorDescription] { base.tensors }
    var specification: any ModelSpecification { base.specification }
    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        lengths.withLock { $0.append(elements.count) }
        try base.read(tensor, elements: elements, into: buffer)
    }
    func storage(of tensor: String) -> TensorStorage? { base.storage(of: tensor) }
}

extension Checkpoint {
    /// Reads a tensor in slices of a size.
    func values(of tensor: String, inSlicesOf size: Int) throws -> [Float] {
        let count = description(of: tensor)?.elementCount ?? 0
        var all: [Float] = []
        for start in stride(from: 0, to: count, by: size) {
            let range = start..<min(start + size, count)
            var part = [Float](repeating: 0, count: range.count)
            try part.withUnsafeMutableBufferPointer { try read(tensor, elements: range, into: $0) }
            all += part
        }
        return all
    }
}

/// The largest difference in relation to the expected value, or to a floor where that is small.
func worst(_ values: [Float], _ expected: [Double], floor: Double = 1e-3) -> Double {
    zip(values, expected).map { abs(Double($0) - $1) / max(abs($1), floor) }.max() ?? 0
}
