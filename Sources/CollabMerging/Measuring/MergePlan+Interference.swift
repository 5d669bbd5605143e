public import Collab
import CollabKernels

extension MergePlan {
    /// Measures how much the members' task vectors stand in one another's way, before anything is merged.
    ///
    /// - Parameter rank: of how many leading singular directions of each matrix the overlap is measured; `nil` for none.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if the configuration names no base or nothing beside it, and
    /// what ``Collab/InterferenceReport/init(of:base:rank:threads:)`` throws.
    public func interference(
        rank: Int? = nil,
        threads: Int? = nil
    ) async throws(CollabError) -> InterferenceReport {
        guard let reference = document.base ?? document.slices.lazy.compactMap(\.base).first,
            let place = document.models.firstIndex(of: reference)
        else {
            throw CollabError(
                .invalidRequest,
                "Task vectors are measured from a base; the configuration names no base_model."
            )
        }
        var members = inputs
        let base = members.remove(at: place)
        return try await InterferenceReport(
            of: members,
            base: base,
            rank: rank,
            threads: threads ?? WorkerPool.physicalCores
        )
    }
}
