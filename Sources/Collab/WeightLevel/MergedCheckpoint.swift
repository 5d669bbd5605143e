internal import CollabKernels

/// A checkpoint that is computed from others while it is read.
///
/// Nothing is computed before a tensor is read, and no more than slices are in memory; tensors that come out
/// unchanged keep their stored form. Every element is computed in double precision and rounded once, to float32; task
/// vectors of which some elements are left out or signs are elected are float32 differences before that, exact for
/// bfloat16 weights whose exponents are no more than 15 apart. The descriptions keep the base's formats, which tell a
/// writer or an engine what it may round to. Reading is safe on any number of threads and gives the same values on all.
public final class MergedCheckpoint: Checkpoint {
    /// What to call the merge in traces and errors.
    public let name: String
    /// The rule.
    public let method: any MergeMethod
    /// The members, without the base.
    public let members: [any Checkpoint]
    /// The checkpoint that task vectors are measured from, if the rule has one.
    public let base: (any Checkpoint)?
    /// The base's tensors; without a base, the first member's.
    public let tensors: [TensorDescription]
    /// What the base's tensors are the weights of; without a base, the first member's.
    public let specification: any ModelSpecification

    /// Whether elements that are no finite numbers are errors.
    let requiresFinite: Bool
    private let descriptions: [String: TensorDescription]
    private let validation: Result<Void, CollabError>
    /// What is known of each tensor so far; each has a lock of its own, so that tensors do not wait for one another.
    private let states: [String: Protected<TensorState>]
    private let wholeModel = WholeModelMeasurements()
    /// The tensors whose rules hold much, the latest last.
    private let heavy = Protected<[String]>([])
    /// Rules that hold no more than this are kept.
    private static let lightByteCount = 1 << 16
    /// How many of those are kept: enough for as many threads, each at another tensor.
    private static let mostHeavy = 4

    private struct TensorState {
        var merge: Result<any TensorMerge, CollabError>?
        /// How many elements have been read by it.
        var readCount = 0
        var unchanged: Int??
    }

    /// Makes a merge. Whether the members fit together is checked from their descriptions; ``validate()`` tells, and
    /// so does the first read.
    ///
    /// - Parameters:
    ///   - name: what to call it; `nil` makes a name of the method's and the members'.
    ///   - method: the rule.
    ///   - members: the members.
    ///   - requiresFinite: whether an input or result that is NaN or infinite is an error; otherwise it spreads as far
    ///     as the method's arithmetic carries it.
    public convenience init(
        _ name: String? = nil,
        _ method: any MergeMethod,
        members: [any Checkpoint],
        requiringFinite requiresFinite: Bool = true
    ) {
        self.init(name, method, members: members, describedBy: nil, requiringFinite: requiresFinite)
    }

    /// - Parameter described: whose tensors and specification the merge has, if not its base's or first member's.
    init(
        _ name: String?,
        _ method: any MergeMethod,
        members: [any Checkpoint],
        describedBy described: (any Checkpoint)?,
        requiringFinite requiresFinite: Bool = true
    ) {
        self.requiresFinite = requiresFinite
        var (base, others): ((any Checkpoint)?, [any Checkpoint]) = (nil, members)
        switch method.baseline {
        case .none: break
        case .firstMember: if !others.isEmpty { base = others.removeFirst() }
        case .checkpoint(let checkpoint): base = checkpoint
        }
        self.name = name ?? "\(method.name) of \(members.map(\.name).joined(separator: ", "))"
        self.method = method
        self.members = others
        self.base = base
        let donor = described ?? base ?? others.first
        tensors = donor?.tensors ?? []
        specification = donor?.specification ?? UnknownSpecification()
        descriptions = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
        states = descriptions.mapValues { _ in Protected(TensorState()) }
        let (inputs, count) = (others, others.count)
        validation = Result { () throws(CollabError) in
            if count == 0 {
                throw CollabError(
                    .emptyTeam,
                    "A merge by \(method.name) has no members; give it checkpoints."
                )
            }
            try method.validate(memberCount: count)
            if let donor {
                for other in inputs { try checkTensors(of: other, against: donor) }
            }
        }
    }

    /// Checks that the members can be merged by the method, from descriptions alone.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` for no members, ``CollabError/Code/invalidRequest`` for parameters that
    /// do not fit, and ``CollabError/Code/tensorMismatch`` naming the first tensor that differs in name or shape.
    public func validate() throws(CollabError) { try validation.get() }

    /// The description of a tensor, or `nil`.
    public func description(of tensor: String) -> TensorDescription? { descriptions[tensor] }

    /// Computes a range of a tensor's elements.
    ///
    /// Throws what ``validate()`` throws, and ``CollabError/Code/notFinite`` naming the tensor if an input or a
    /// result is not a finite number.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try validate()
        let description = try checkRange(tensor, elements, buffer)
        if let source = unchangedSource(of: tensor) {
            return try readUnchanged(tensor, of: source, elements: elements, into: buffer)
        }
        let inputs = inputs(of: description)
        let merge = try merge(of: tensor, inputs)
        let reader = SliceReader(inputs, capacity: min(TensorInputs.blockSize, elements.count))
        let stored = (merge as? any RawTensorMerge).flatMap { rule in RawInputs(inputs).map { (rule, $0) } }
        var start = elements.lowerBound
        while start < elements.upperBound {
            try checkCancellation()
            let range = start..<min(start + TensorInputs.blockSize, elements.upperBound)
            let offset = range.lowerBound - elements.lowerBound
            let output = UnsafeMutableBufferPointer(rebasing: buffer[offset..<(offset + range.count)])
            let looksThrough = requiresFinite && !merge.showsNotFinite
            if looksThrough, let (_, inputs) = stored, !inputs.isFinite(range) {
                try reader.checkFinite(try reader.read(range))
            }
            if let (rule, inputs) = stored, rule.merge(inputs, range, into: .floats(output)) {
                // Done without a copy of the inputs.
            } else {
                let slice = try reader.read(range)
                if looksThrough { try reader.checkFinite(slice) }
                try merge.merge(slice, into: output)
            }
            if requiresFinite, let bad = MergeArithmetic.firstNotFinite(UnsafeBufferPointer(output)) {
                try reader.checkFinite(try reader.read(range))
                throw CollabError(
                    .notFinite,
                    """
                    Element \(range.lowerBound + bad) of the tensor “\(tensor)” becomes \(output[bad]) in \
                    \(name); use smaller weights.
                    """
                )
            }
            start = range.upperBound
        }
        try stored?.1.checkUnchanged()
        note(elements.count, readOf: description, by: merge)
    }

    /// The most memory that computing a tensor takes beside slices of the inputs, in bytes.
    public func workingByteCount(of tensor: String) -> Int {
        guard let description = descriptions[tensor] else { return 0 }
        return method.workingByteCount(of: description, memberCount: members.count)
    }

    /// The most disk space that computing a tensor takes for scratch files, in bytes.
    public func scratchByteCount(of tensor: String) -> Int {
        guard let description = descriptions[tensor] else { return 0 }
        return method.scratchByteCount(of: description, memberCount: members.count)
    }

    /// The stored form of a tensor that the merge leaves as it is; `nil` for computed ones.
    public func storage(of tensor: String) -> TensorStorage? {
        guard case .success = validation else { return nil }
        return unchangedSource(of: tensor)?.storage(of: tensor)
    }
}

extension MergedCheckpoint {
    private func merge(of tensor: String, _ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        guard let state = states[tensor] else { throw missing(tensor) }
        // Held while the tensor is measured, so that threads that share a tensor measure it once.
        let result = state.withLock { state in
            if let known = state.merge { return known }
            let computed = Result { () throws(CollabError) in
                try method.validate(memberCount: members.count, tensor: tensor)
                return try method.prepare(inputs)
            }
            // A cancelled measurement may be wanted again, and a disk may have space again.
            if case .failure(let error) = computed, [.cancelled, .inputOutput].contains(error.code) {
                return computed
            }
            state.merge = computed
            return computed
        }
        let merge = try result.get()
        if merge.heldByteCount > Self.lightByteCount { keep(tensor) }
        return merge
    }

    private func inputs(of tensor: TensorDescription) -> TensorInputs {
        TensorInputs(
            tensor: tensor,
            members: members,
            base: base,
            requiresFinite: requiresFinite,
            wholeModel: wholeModel
        )
    }

    /// The rule for a tensor that is computed, and its inputs as they are stored; `nil` if that is not what it reads.
    func storedRule(
        of tensor: TensorDescription
    ) throws(CollabError) -> (rule: any RawTensorMerge, inputs: RawInputs)? {
        try validate()
        guard unchangedSource(of: tensor.name) == nil else { return nil }
        let inputs = inputs(of: tensor)
        guard let stored = RawInputs(inputs) else { return nil }
        return (try merge(of: tensor.name, inputs) as? any RawTensorMerge).map { ($0, stored) }
    }

    /// Lets go of a rule that holds much when as many elements have been read as the tensor has.
    func note(_ count: Int, readOf tensor: TensorDescription, by merge: any TensorMerge) {
        guard merge.heldByteCount > Self.lightByteCount else { return }
        let isRead = states[tensor.name]?.withLock { state in
            state.readCount += count
            guard state.readCount >= tensor.elementCount else { return false }
            state.readCount = 0
            state.merge = nil
            return true
        }
        if isRead ?? false { heavy.withLock { heavy in heavy.removeAll { $0 == tensor.name } } }
    }

    /// Lets go of the oldest rule that holds much.
    private func keep(_ tensor: String) {
        let oldest = heavy.withLock { heavy -> String? in
            if heavy.last == tensor { return nil }
            heavy.removeAll { $0 == tensor }
            heavy.append(tensor)
            return heavy.count > Self.mostHeavy ? heavy.removeFirst() : nil
        }
        if let oldest {
            states[oldest]?.withLock { state in
                state.merge = nil
                state.readCount = 0
            }
        }
    }

    /// The checkpoint whose tensor is the result, if the merge does not change it.
    private func unchangedSource(of tensor: String) -> (any Checkpoint)? {
        let inputs = members + (base.map { [$0] } ?? [])
        let place = states[tensor]?.withLock { state -> Int? in
            if let known = state.unchanged { return known }
            let keeps = method.keepsEqual(tensor: tensor, memberCount: members.count)
            let place = keeps && areEqual(tensor, in: inputs) ? 0 : nil
            state.unchanged = .some(place)
            return place
        }
        return (place ?? nil).map { inputs[$0] }
    }

    private func readUnchanged(
        _ tensor: String,
        of source: any Checkpoint,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try source.read(tensor, elements: elements, into: buffer)
        guard requiresFinite, let bad = MergeArithmetic.firstNotFinite(UnsafeBufferPointer(buffer)) else {
            return
        }
        throw notFinite(buffer[bad], at: elements.lowerBound + bad, of: tensor, in: source)
    }

    private func areEqual(_ tensor: String, in checkpoints: [any Checkpoint]) -> Bool {
        if checkpoints.count == 1 { return true }
        guard let first = checkpoints.first?.storage(of: tensor) else { return false }
        return checkpoints.dropFirst().allSatisfy { other in
            other.storage(of: tensor).map { first.holdsSameBytes(as: $0) } ?? false
        }
    }

    private func missing(_ tensor: String) -> CollabError {
        CollabError(.tensorMismatch, "\(name) has no tensor called “\(tensor)”.")
    }
}

/// Stands in where a merge without members has nothing to describe.
private struct UnknownSpecification: ModelSpecification {
    let architecture = "unknown"
}
