public import Collab
import CollabKernels

extension MergePlan {
    /// Measures how much the members' task vectors stand in one another's way, before anything is merged.
    ///
    /// - Parameters:
    ///   - base: what task vectors are measured from, which methods such as `linear` do without: one of the
    ///     configuration's models, spelt as it is there, which is then no member, or another; `nil` for the configuration's
    ///     base.
    ///   - folder: what the path of another is relative to; `nil` for the current folder.
    ///   - rank: of how many leading singular directions of each matrix the overlap is measured; `nil` for none.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if neither the caller nor the configuration names a base or the
    /// latter nothing beside it, what opening another model throws, and what
    /// ``Collab/InterferenceReport/init(of:base:rank:threads:)`` throws.
    public func interference(
        from base: ModelReference? = nil,
        relativeTo folder: String? = nil,
        rank: Int? = nil,
        threads: Int? = nil
    ) async throws(CollabError) -> InterferenceReport {
        let bases = [document.base].compactMap(\.self) + document.slices.compactMap(\.base)
        guard let reference = base ?? bases.first else {
            throw CollabError(
                .invalidRequest,
                "Task vectors are measured from a base, and the configuration names no base_model; name the model that its "
                    + "models were trained from with --base (in Swift interference(from:)), or as base_model."
            )
        }
        // The bases of methods that measure from one are no members, whatever is measured from here.
        let isOwnMember = MethodSchema.all[document.method]?.measuresFromBase != true
        let members = zip(document.models, inputs)
            .filter { $0.0 != reference && (!bases.contains($0.0) || isOwnMember) }
            .map(\.1)
        let start =
            if let place = document.models.firstIndex(of: reference) {
                inputs[place]
            } else {
                try ModelShelf(named: [:], folder: folder).checkpoint(reference)
            }
        return try await InterferenceReport(
            of: members,
            base: start,
            rank: rank,
            threads: threads ?? WorkerPool.physicalCores
        )
    }
}
