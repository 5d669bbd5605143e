public import Collab
import CollabKernels

extension MergePlan {
    /// Measures how much the members' task vectors stand in one another's way, before anything is merged.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if the configuration names no base or nothing beside it, and
    /// what ``Collab/InterferenceReport/init(of:base:threads:)`` throws.
    public func interference(threads: Int? = nil) async throws(CollabError) -> InterferenceReport {
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
            threads: threads ?? WorkerPool.physicalCores
        )
    }
}
