internal import CollabKernels

/// What methods have to know of whole models, measured once for all tensors of a merge.
final class WholeModelMeasurements: Sendable {
    private struct Cut: Sendable {
        /// Where each tensor begins in the model's vector.
        var starts: [String: Int]
        /// By member; `nil` where all or nothing is kept.
        var cuts: [MagnitudeCut?]
    }

    /// Memory in which tensors find their cuts.
    let bands = BandShelf()

    private let whole = Protected(())

    /// Runs what holds whole matrices, which shall not be in memory several times, while nothing else does.
    func whileAlone<Value: Sendable>(_ body: () throws(CollabError) -> Value) throws(CollabError) -> Value {
        let result = whole.withLock { _ in Result { () throws(CollabError) in try body() } }
        return try result.get()
    }

    /// By densities.
    private let cuts = Protected<[[Double]: Result<Cut, CollabError>]>([:])
    /// By member.
    private let scales = Protected<[Int: Result<Double, CollabError>]>([:])

    /// What is kept of each member's part of the inputs' tensor, where a share of the whole model's elements is kept.
    ///
    /// The vector of a model is its tensors' in the order of their names; of equal magnitudes the first are kept.
    func trimming(_ inputs: TensorInputs, to densities: [Double]) throws(CollabError) -> [Thinning.Rule] {
        let cut = try Self.once(densities, cuts) { () throws(CollabError) in
            try Self.measureCuts(inputs, densities)
        }
        let start = cut.starts[inputs.tensor.name] ?? 0
        return densities.indices.map { member in
            if densities[member] <= 0 { return .nothing }
            guard let cut = cut.cuts[member] else { return .everything }
            // Where the last of equal magnitudes lies before the tensor, only larger ones are kept.
            return .magnitude(
                cut.lastEqual < start
                    ? MagnitudeCut(bits: cut.bits + 1, lastEqual: .max - 1)
                    : MagnitudeCut(bits: cut.bits, lastEqual: cut.lastEqual - start)
            )
        }
    }

    /// Σ |dᵢ| of a member over Σ |τ| of the elected changes that have its sign; 1 where it has no part in them.
    func electedScale(for inputs: TensorInputs, task: Int) throws(CollabError) -> Double {
        try Self.once(task, scales) { () throws(CollabError) in
            var (own, elected) = (0.0, 0.0)
            for part in Self.parts(of: inputs) {
                try part.forEachSlice { slice in
                    guard let base = slice.base else { return }
                    for place in base.indices {
                        let start = base[place]
                        let change = slice.members[task][place] - start
                        own += Double(abs(change))
                        let shared = electedChange(slice.members, at: place, from: start)
                        if shared * change > 0 { elected += Double(abs(shared)) }
                    }
                }
            }
            return elected > 0 ? own / elected : 1
        }
    }

    private static func once<Key: Hashable, Value: Sendable>(
        _ key: Key,
        _ known: Protected<[Key: Result<Value, CollabError>]>,
        _ measure: () throws(CollabError) -> Value
    ) throws(CollabError) -> Value {
        // Held while the models are read, so that threads that come meanwhile wait instead of reading them too.
        let result = known.withLock { known in
            if let result = known[key] { return result }
            let result = Result { () throws(CollabError) in try measure() }
            // A cancelled measurement may be wanted again.
            if case .failure(let error) = result, error.code == .cancelled { return result }
            known[key] = result
            return result
        }
        return try result.get()
    }

    /// The inputs of all tensors, in the order of their names.
    private static func parts(of inputs: TensorInputs) -> [TensorInputs] {
        (inputs.base?.tensors ?? []).sorted { $0.name < $1.name }.map { tensor in
            TensorInputs(
                tensor: tensor,
                members: inputs.members,
                base: inputs.base,
                requiresFinite: inputs.requiresFinite
            )
        }
    }

    private static func measureCuts(
        _ inputs: TensorInputs,
        _ densities: [Double]
    ) throws(CollabError) -> Cut {
        let parts = parts(of: inputs)
        var (starts, total): ([String: Int], Int) = ([:], 0)
        for part in parts {
            starts[part.tensor.name] = total
            total += part.tensor.elementCount
        }
        var selections = densities.map { density in
            density > 0 && density < 1 && total > 0
                ? MagnitudeSelection(count: max(1, Int(density * Double(total)))) : nil
        }
        while true {
            let open = selections.indices.filter { selections[$0].map { !$0.isDone } ?? false }
            if open.isEmpty { break }
            for part in parts {
                try part.forEachDelta(of: open) { deltas, _ in
                    for (place, member) in open.enumerated() {
                        selections[member]?.add(UnsafeBufferPointer(deltas[place]))
                    }
                    return true
                }
            }
            for member in open { selections[member]?.endPass() }
        }
        return Cut(starts: starts, cuts: selections.map { $0?.cut })
    }
}
