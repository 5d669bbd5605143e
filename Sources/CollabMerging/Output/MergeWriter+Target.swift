public import Collab
import CollabBackends

extension MergeWriter {
    /// Checks that the result can take its place, as far as that is known before anything is computed.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for no folder, the current one or one that holds an input,
    /// `inputOutput` for something that is there and may not be replaced, and what opening the files throws that are taken
    /// over as they are.
    public func check() throws(CollabError) {
        try ResultFolder(plan: plan, path: partialFolder).checkSources()
        guard !folder.isEmpty else { throw CollabError(.invalidRequest, "The result needs a folder.") }
        switch FilePlace.kind(of: target) {
        case .folder?: break
        case .link?:
            throw CollabError(.inputOutput, "\(folder) is a symbolic link that leads nowhere.")
        case .other?:
            throw CollabError(.inputOutput, "\(folder) is there and no folder.")
        case nil:
            guard ![".", ".."].contains(target.split(separator: "/").last) else {
                throw CollabError(.invalidRequest, "\(folder) names no folder that could be made.")
            }
            return
        }
        let inner = target.hasSuffix("/") ? target : target + "/"
        guard !((FilePlace.resolved(".") ?? "") + "/").hasPrefix(inner) else {
            throw CollabError(
                .invalidRequest,
                "\(folder) is the current folder or holds it, and cannot be exchanged; name another for the result."
            )
        }
        guard options.replacesFolder || PartialFolder.isEmpty(target) else {
            throw CollabError(
                .inputOutput,
                "\(folder) is there and not empty; choose another folder, or ask for it to be replaced."
            )
        }
        // A link in the folder counts as well as what it leads to: both would be gone.
        for input in plan.files {
            let path = input.file.path
            let places = [FilePlace.resolved(path), FilePlace.resolved(FilePlace.parent(of: path))]
            guard !places.contains(where: { $0.map { ($0 + "/").hasPrefix(inner) } ?? false }) else {
                throw CollabError(
                    .invalidRequest,
                    "\(folder) holds \(path), which the merge reads, and cannot be replaced by its result."
                )
            }
        }
    }
}
