internal import CollabKernels

/// One tensor of every checkpoint that takes part in a merge.
public struct TensorInputs: Sendable {
    /// The tensor.
    public let tensor: TensorDescription
    /// The members, without the base.
    public let members: [any Checkpoint]
    /// The base, if the method has one.
    public let base: (any Checkpoint)?
    /// Whether elements that are no finite numbers are errors.
    let requiresFinite: Bool
    /// What has been measured of the whole models.
    var wholeModel = WholeModelMeasurements()

    /// How many elements are read at a time: few enough that several members' stay in a core's own cache.
    static let blockSize = 1 << 14

    /// Reads the whole tensor of all inputs, slice by slice, in order.
    ///
    /// Throws what the checkpoints throw, ``CollabError/Code/notFinite`` naming checkpoint and tensor for an element
    /// that is no finite number, and ``CollabError/Code/cancelled``.
    public func forEachSlice(_ body: (TensorSlice) throws(CollabError) -> Void) throws(CollabError) {
        try readSlices(while: { (slice) throws(CollabError) -> Bool in
            try body(slice)
            return true
        })
    }

    /// Reads the tensor of all inputs, slice by slice, in order, as long as it is asked to go on.
    func readSlices(while body: (TensorSlice) throws(CollabError) -> Bool) throws(CollabError) {
        var start = 0
        let reader = SliceReader(self, capacity: min(Self.blockSize, tensor.elementCount))
        while start < tensor.elementCount {
            try checkCancellation()
            let range = start..<min(start + Self.blockSize, tensor.elementCount)
            let slice = try reader.read(range)
            try reader.checkFinite(slice)
            guard try body(slice) else { return }
            start = range.upperBound
        }
    }
}

/// Buffers into which slices of a tensor's inputs are read.
final class SliceReader {
    private let inputs: TensorInputs
    private lazy var memory = UnsafeMutableBufferPointer<Float>.allocate(
        capacity: capacity * (inputs.members.count + 1)
    )
    private var isUsed = false
    private let capacity: Int

    init(_ inputs: TensorInputs, capacity: Int) {
        self.inputs = inputs
        self.capacity = capacity
    }

    deinit { if isUsed { memory.deallocate() } }

    /// Reads a range of at most the capacity; the slice is valid until the next read.
    func read(_ elements: Range<Int>) throws(CollabError) -> TensorSlice {
        func fetch(_ checkpoint: any Checkpoint, _ place: Int) throws(CollabError) -> UnsafeBufferPointer<
            Float
        > {
            let start = place * capacity
            let buffer = UnsafeMutableBufferPointer(rebasing: memory[start..<(start + elements.count)])
            try checkpoint.read(inputs.tensor.name, elements: elements, into: buffer)
            return UnsafeBufferPointer(buffer)
        }
        isUsed = true
        var slice = TensorSlice(elements: elements, members: [], base: nil)
        for (place, member) in inputs.members.enumerated() { slice.members.append(try fetch(member, place)) }
        if let base = inputs.base { slice.base = try fetch(base, inputs.members.count) }
        return slice
    }

    /// Throws ``CollabError/Code/notFinite`` for an input that is not finite.
    func checkFinite(_ slice: TensorSlice) throws(CollabError) {
        guard inputs.requiresFinite else { return }
        let rows =
            zip(inputs.members, slice.members)
            + (slice.base.flatMap { base in inputs.base.map { [($0, base)] } } ?? [])
        for (checkpoint, values) in rows {
            guard let index = MergeArithmetic.firstNotFinite(values) else { continue }
            let element = slice.elements.lowerBound + index
            throw notFinite(values[index], at: element, of: inputs.tensor.name, in: checkpoint)
        }
    }
}

/// The error for an input's element that is NaN or infinite.
func notFinite(
    _ value: Float,
    at element: Int,
    of tensor: String,
    in checkpoint: any Checkpoint
) -> CollabError {
    CollabError(
        .notFinite,
        """
        Element \(element) of the tensor “\(tensor)” of \(checkpoint.name) is \(value); a merge with it would be \
        worthless.
        """
    )
}
