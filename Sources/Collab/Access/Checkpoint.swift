// Whoever imports Collab can name tensor formats without importing the kernels.
@_exported public import enum CollabKernels.TensorFormat

/// Named tensors that can be listed and read: the access that merging needs.
///
/// A merge of checkpoints is a checkpoint too, so merges nest; and a native model can be made from any checkpoint
/// without touching the disk.
public protocol Checkpoint: Sendable {
    /// What to call it in traces and errors.
    var name: String { get }
    /// The tensors, in the order of the file.
    var tensors: [TensorDescription] { get }
    /// The description of a tensor, or `nil` if there is none of that name.
    func description(of tensor: String) -> TensorDescription?
    /// What the tensors are the weights of: architecture, sizes, vocabulary.
    ///
    /// Backends cast it to what they understand; a merge hands on its base's.
    var specification: any ModelSpecification { get }
    /// Reads a range of a tensor's elements as float32, in row-major order, into a buffer of exactly that size.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` if there is no such tensor or range.
    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError)
    /// Lends the bytes of a tensor as they are stored, if they are stored anywhere; `nil` for computed ones.
    ///
    /// The engine uses them to keep quantised weights quantised.
    func storage(of tensor: String) -> TensorStorage?
}

/// What a checkpoint's tensors are the weights of.
public protocol ModelSpecification: Sendable {
    /// The architecture's name, such as `llama`.
    var architecture: String { get }
}

/// A tensor's name, shape and stored type.
public struct TensorDescription: Hashable, Sendable, Codable {
    /// The name in the file.
    public var name: String
    /// The extents, slowest-varying first: `[rows, columns]` for a matrix.
    public var shape: [Int]
    /// How the elements are stored.
    public var format: TensorFormat

    /// Makes a description.
    public init(name: String, shape: [Int], format: TensorFormat) {
        self.name = name
        self.shape = shape
        self.format = format
    }

    /// How many elements there are.
    public var elementCount: Int { shape.reduce(1, *) }
}

/// The bytes of a tensor as they are stored, kept alive by their owner.
public struct TensorStorage: @unchecked Sendable {
    // Sendable: the memory is read-only and lives as long as `owner`, which is Sendable itself.
    /// How the elements are stored.
    public let format: TensorFormat
    /// The bytes.
    public let bytes: UnsafeRawBufferPointer
    private let owner: any Sendable
    private let check: (@Sendable () throws(CollabError) -> Void)?

    /// Makes a storage over memory that stays valid as long as `owner` lives.
    ///
    /// - Parameters:
    ///   - format: how the elements are stored.
    ///   - bytes: the memory.
    ///   - owner: what keeps it.
    ///   - check: throws if the bytes are no longer what they were; `nil` for memory that nothing else can change.
    public init(
        format: TensorFormat,
        bytes: UnsafeRawBufferPointer,
        owner: any Sendable,
        check: (@Sendable () throws(CollabError) -> Void)? = nil
    ) {
        self.format = format
        self.bytes = bytes
        self.owner = owner
        self.check = check
    }

    /// Says that some of the bytes will not be read again soon, so that an owner who can bring them back may let their
    /// memory go. They stay valid.
    public func discard(_ range: Range<Int>) {
        let range = range.clamped(to: 0..<bytes.count)
        (owner as? any DiscardableMemory)?.discard(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }

    /// Throws ``CollabError/Code/inputOutput`` if the bytes have changed since they were lent.
    ///
    /// The bytes of a mapped file are those of the disk: another program can write to it or cut it short. Ask after
    /// reading them, and throw away what was read if it fails.
    public func checkUnchanged() throws(CollabError) { try check?() }

    /// Runs a closure on the bytes while keeping their owner alive.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(owner) {} }
        return try body(bytes)
    }
}

/// Memory whose contents come back by themselves when they are read, such as a mapped file's.
public protocol DiscardableMemory: Sendable {
    /// Lets the pages that hold some bytes go; reading them later brings them back.
    func discard(_ bytes: UnsafeRawBufferPointer)
}

extension Checkpoint {
    /// Looks through all tensors.
    public func description(of tensor: String) -> TensorDescription? {
        tensors.first { $0.name == tensor }
    }

    /// Computed tensors are stored nowhere.
    public func storage(of tensor: String) -> TensorStorage? { nil }

    /// Reads a whole tensor as float32.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` if there is no such tensor.
    public func values(of tensor: String) throws(CollabError) -> [Float] {
        guard let description = description(of: tensor) else {
            // A checkpoint that cannot be read at all says so first.
            try read(tensor, elements: 0..<0, into: UnsafeMutableBufferPointer(start: nil, count: 0))
            throw CollabError(.tensorMismatch, "\(name) has no tensor called “\(tensor)”.")
        }
        return try values(of: tensor, elements: 0..<description.elementCount)
    }

    /// Reads a range of a tensor's elements as float32, in row-major order.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` if there is no such tensor or range.
    public func values(of tensor: String, elements: Range<Int>) throws(CollabError) -> [Float] {
        var failure: CollabError?
        let values = [Float](unsafeUninitializedCapacity: elements.count) { buffer, initialized in
            do throws(CollabError) {
                try read(
                    tensor,
                    elements: elements,
                    into: UnsafeMutableBufferPointer(rebasing: buffer[..<elements.count])
                )
                initialized = elements.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }
}
