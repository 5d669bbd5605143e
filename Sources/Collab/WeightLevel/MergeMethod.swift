/// A rule by which checkpoints become one.
///
/// A method works tensor by tensor and slice by slice, so that a merge never holds more than what is being read.
/// ``prepare(_:)`` measures what a tensor's merge must know of the whole tensor (norms, thresholds; nothing for
/// element-wise rules); what it returns then merges slices, in any order and on any number of threads.
///
/// The library's methods, such as ``LinearMerge``, ``TIESMerge`` and ``ModelStockMerge``, are spelled with a leading
/// dot: `Merge(.ties(base: base, density: 0.2)) { math; code }`. <doc:MergingWeights> lists them. Conform to add one of
/// your own.
public protocol MergeMethod: Sendable {
    /// What to call the method in traces and errors.
    var name: String { get }
    /// Where task vectors are measured from.
    var baseline: MergeBaseline { get }
    /// Throws ``CollabError/Code/invalidRequest`` for parameters that do not fit so many members (base not counted).
    func validate(memberCount: Int) throws(CollabError)
    /// The same of the values that parameters have for one tensor; `nil` asks for those that are the same for all.
    ///
    /// Called for every tensor before its rule is made.
    func validate(memberCount: Int, tensor: String?) throws(CollabError)
    /// Makes the rule for one tensor.
    func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge
    /// Whether a tensor that is the same in all inputs comes out unchanged.
    func keepsEqual(tensor: String, memberCount: Int) -> Bool
    /// The most memory that merging a tensor takes beside slices of the inputs, in bytes; what is merged at the same time is
    /// chosen by it.
    func workingByteCount(of tensor: TensorDescription, memberCount: Int) -> Int
    /// The most disk space that merging a tensor takes for scratch files, in bytes; they are in the folder that the variable
    /// `TMPDIR` names, or in `/var/tmp`.
    func scratchByteCount(of tensor: TensorDescription, memberCount: Int) -> Int
    /// How many elements a tensor of this shape may have for the method to do with it what it does with others, something
    /// simpler being done with larger ones; `nil` where size makes no difference.
    func elementLimit(of tensor: TensorDescription) -> Int?
}

extension MergeMethod {
    /// Checks the values that are the same for all tensors.
    public func validate(memberCount: Int) throws(CollabError) {
        try validate(memberCount: memberCount, tensor: nil)
    }
    /// Nothing differs between tensors.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {}
    /// Next to nothing.
    public func workingByteCount(of tensor: TensorDescription, memberCount: Int) -> Int { 0 }
    /// None.
    public func scratchByteCount(of tensor: TensorDescription, memberCount: Int) -> Int { 0 }
    /// Size makes no difference.
    public func elementLimit(of tensor: TensorDescription) -> Int? { nil }
}

/// Where a merge measures task vectors from.
public enum MergeBaseline: Sendable {
    /// The method needs no base.
    case none
    /// The first member is the base.
    case firstMember
    /// A checkpoint outside the members.
    case checkpoint(any Checkpoint)

    /// The first member unless there is a checkpoint.
    init(_ checkpoint: (any Checkpoint)?) {
        self = checkpoint.map { .checkpoint($0) } ?? .firstMember
    }
}

/// The rule for one tensor, ready to merge slices.
public protocol TensorMerge: Sendable {
    /// Merges a slice.
    ///
    /// - Parameters:
    ///   - slice: the inputs' elements.
    ///   - output: where the result goes; as long as the slice.
    ///
    /// May throw what reading statistics beside the weights throws.
    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) throws(CollabError)
    /// How much memory the rule holds on to; of rules that hold much only the latest few are kept, and others are made
    /// again if they are asked for once more.
    var heldByteCount: Int { get }
    /// Whether an element of an input that is no finite number always makes the result's no finite number, or has been
    /// refused while the tensor was measured. The inputs of other rules are looked through before they are merged.
    var showsNotFinite: Bool { get }
}

extension TensorMerge {
    /// Next to nothing.
    public var heldByteCount: Int { 0 }
    /// The inputs are looked through.
    public var showsNotFinite: Bool { false }
}

/// The same range of elements of every input.
public struct TensorSlice {
    /// Where in the tensor.
    public var elements: Range<Int>
    /// The members' elements.
    public var members: [UnsafeBufferPointer<Float>]
    /// The base's elements, if the method has a base.
    public var base: UnsafeBufferPointer<Float>?
}
