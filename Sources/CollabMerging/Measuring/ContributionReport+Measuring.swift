public import Collab
public import CollabBackends

extension ContributionReport {
    /// Measures what each part of a merge contributes, on the native engine: one model a part, one after another.
    ///
    /// - Parameters:
    ///   - merge: the merge, which may be computed while it is read.
    ///   - base: what parts are put back to, with the same tensors.
    ///   - grain: what counts as a part.
    ///   - domains: held-out texts.
    ///   - options: how the models are run.
    ///   - report: told how many of the models have been scored, and of how many.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for no text, `tensorMismatch` if the two have other tensors or
    /// are the same throughout, what making a model throws, and `cancelled`.
    public init(
        of merge: any Checkpoint,
        over base: any Checkpoint,
        by grain: Grain = .block,
        domains: [DomainText],
        options: NativeOptions = NativeOptions(),
        reporting report: (_ scored: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(CollabError) {
        guard !domains.isEmpty, domains.allSatisfy({ !$0.passages.isEmpty }) else {
            throw CollabError(.invalidRequest, "What parts contribute is measured on texts; give it some.")
        }
        var places: [TensorModule] = []
        var tensors: [TensorModule: Set<String>] = [:]
        for tensor in merge.tensors {
            try checkCancellation()
            guard base.description(of: tensor.name)?.shape == tensor.shape else {
                throw CollabError(
                    .tensorMismatch,
                    "\(base.name) has no tensor “\(tensor.name)” of shape \(tensor.shape), as \(merge.name) has."
                )
            }
            if try Self.isSame(tensor, merge, base) { continue }
            let place = grain.part(of: tensor.name)
            if tensors[place] == nil { places.append(place) }
            tensors[place, default: []].insert(tensor.name)
        }
        guard !places.isEmpty else {
            throw CollabError(
                .tensorMismatch,
                "\(merge.name) has the same weights as \(base.name): nothing contributes."
            )
        }
        let total = places.count + 2
        var scored = 0
        func score(_ checkpoint: any Checkpoint) async throws(CollabError) -> [[Double]] {
            let model = try await NativeModel(checkpoint: checkpoint, options: options)
            var bits: [[Double]] = []
            for domain in domains { bits.append(try await RetentionReport.bits(of: domain, for: model)) }
            scored += 1
            report(scored, total)
            return bits
        }
        let whole = [try await score(base), try await score(merge)]
        var parts: [Part] = []
        for place in places {
            let reverted = RevertedCheckpoint(merge: merge, base: base, tensors: tensors[place] ?? [])
            parts.append(Part(place: place, bits: try await score(reverted)))
        }
        self.init(
            base: base.name,
            merge: merge.name,
            domains: domains.enumerated().map { index, domain in
                .init(
                    name: domain.name,
                    bytes: domain.passages.map(\.utf8.count),
                    bits: whole.map { $0[index] }
                )
            },
            parts: parts
        )
    }

    /// Whether a tensor has the same elements in both, to the bit.
    private static func isSame(
        _ tensor: TensorDescription,
        _ merge: any Checkpoint,
        _ base: any Checkpoint
    ) throws(CollabError) -> Bool {
        var start = 0
        while start < tensor.elementCount {
            let range = start..<min(start + 1 << 16, tensor.elementCount)
            let (mine, other) = (
                try merge.values(of: tensor.name, elements: range),
                try base.values(of: tensor.name, elements: range)
            )
            if mine != other { return false }
            start = range.upperBound
        }
        return true
    }
}

/// A merge with some of its tensors as the base has them.
private struct RevertedCheckpoint: Checkpoint {
    let merge: any Checkpoint
    let base: any Checkpoint
    let reverted: Set<String>

    init(merge: any Checkpoint, base: any Checkpoint, tensors: Set<String>) {
        (self.merge, self.base, reverted) = (merge, base, tensors)
    }

    var name: String { merge.name }
    var tensors: [TensorDescription] { merge.tensors.map { description(of: $0.name) ?? $0 } }
    var specification: any ModelSpecification { merge.specification }

    func description(of tensor: String) -> TensorDescription? { source(of: tensor).description(of: tensor) }

    func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try source(of: tensor).read(tensor, elements: elements, into: buffer)
    }

    func storage(of tensor: String) -> TensorStorage? { source(of: tensor).storage(of: tensor) }

    private func source(of tensor: String) -> any Checkpoint { reverted.contains(tensor) ? base : merge }
}
