public import Collab
import CollabBackends

/// A configuration file: one merge, or several of which later ones use earlier ones by their names.
///
/// A result that another document uses is not written: it is computed while the other is. Every other one is a
/// stage of its own.
public struct MergeFile: Sendable {
    /// A merge that is to be written.
    public struct Stage: Sendable {
        /// The merge.
        public var plan: MergePlan
        /// What the folder of its result is called where the file has several: as the document is.
        public var folderName: String { plan.document.name ?? Self.unnamed }

        static let unnamed = "merge"
    }

    /// The text.
    public let text: String
    /// The merges to be written, in the order of the file.
    public let stages: [Stage]

    /// Reads a file and checks its merges.
    ///
    /// - Parameters:
    ///   - seed: where the random numbers of DARE and DELLA begin.
    ///   - folder: what paths in the file are relative to; `nil` for the current folder.
    ///   - requiresFinite: whether a weight or result that is NaN or infinite is an error.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound` or `malformedFile` for the file, and what ``MergePlan``
    /// throws.
    public init(
        path: String,
        seed: UInt64 = 0,
        relativeTo folder: String? = nil,
        requiringFinite requiresFinite: Bool = true
    ) throws(CollabError) {
        let file = try MappedFile(path: path)
        let content = file.count <= 16 << 20 ? withExtendedLifetime(file) { Array(file.bytes) } : [0xFF]
        guard let text = String(validating: content, as: UTF8.self) else {
            throw CollabError(.malformedFile, "\(path) is no text of at most 16 MiB in UTF-8.")
        }
        try self.init(
            yaml: text,
            source: path,
            seed: seed,
            relativeTo: folder,
            requiringFinite: requiresFinite
        )
    }

    /// Reads a text and checks its merges.
    ///
    /// - Parameter source: what to call the text in errors.
    public init(
        yaml: String,
        source: String,
        seed: UInt64 = 0,
        relativeTo folder: String? = nil,
        requiringFinite requiresFinite: Bool = true
    ) throws(CollabError) {
        let documents = try MergeDocument.documents(yaml: yaml, source: source)
        let names = documents.compactMap(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw CollabError(.malformedFile, "\(source) has two documents called “\(twice)”.")
        }
        if documents.count > 1, documents.count(where: { $0.name == nil }) > 1 {
            throw CollabError(.malformedFile, "Of several documents in \(source), only one may have no name.")
        }
        // A document on its own has no other to use: what it is called may be the path of a model, too.
        let uses = documents.map { document in
            documents.count > 1 ? Set(document.references.compactMap { $0.document(among: names) }) : []
        }
        let used = uses.reduce(into: Set<String>()) { $0.formUnion($1) }
        let isWritten = documents.map { $0.name.map { !used.contains($0) } ?? true }
        let written = documents.indices.filter { isWritten[$0] }
        try Self.checkFolders(of: written.map { documents[$0].name }, source)
        var results: [String: any Checkpoint] = [:]
        var plans: [Int: MergePlan] = [:]
        var waiting = Array(documents.indices)
        while !waiting.isEmpty {
            let ready = waiting.filter { index in uses[index].allSatisfy { results[$0] != nil } }
            guard !ready.isEmpty else {
                let stuck = waiting.compactMap { documents[$0].name }.joined(separator: ", ")
                throw CollabError(
                    .malformedFile,
                    "The documents \(stuck) of \(source) use one another in a circle."
                )
            }
            for index in ready {
                var plan = try MergePlan(
                    documents[index],
                    seed: seed,
                    named: results,
                    relativeTo: folder,
                    requiringFinite: requiresFinite
                )
                // What another document reads, this one reads too, and what is said of it is said here.
                for used in documents.indices where used != index {
                    guard let name = documents[used].name, let known = plans[used],
                        uses[index].contains(name)
                    else { continue }
                    let paths = Set(known.files.map(\.file.path))
                    plan.files.removeAll { paths.contains($0.file.path) }
                    plan.files += known.files
                    for warning in known.warnings where !plan.warnings.contains(warning) {
                        plan.warnings.append(warning)
                    }
                }
                plans[index] = plan
                if let name = documents[index].name { results[name] = try plan.describedResult() }
            }
            waiting.removeAll { ready.contains($0) }
        }
        text = yaml
        stages = documents.indices.compactMap { index in
            isWritten[index] ? plans[index].map { Stage(plan: $0) } : nil
        }
    }

    /// Throws if results that are written side by side cannot have folders of their names.
    private static func checkFolders(of written: [String?], _ source: String) throws(CollabError) {
        guard written.count > 1 else { return }
        // Such a document is written into a folder of the name that one without a name gets.
        guard !written.contains(nil) || !written.contains(Stage.unnamed) else {
            throw CollabError(
                .malformedFile,
                "\(source) has a document without a name and one called “\(Stage.unnamed)”; name both."
            )
        }
        for case let name? in written
        where [".", ".."].contains(name) || name.contains(where: { "/\\\0".contains($0) }) {
            throw CollabError(
                .malformedFile,
                "\(source) writes several results, each into a folder of its document's name; “\(name)” names no folder "
                    + "without a path."
            )
        }
    }
}

extension MergeDocument {
    /// The models, and the one whose tokenizer is asked for.
    fileprivate var references: [ModelReference] {
        guard case .model(let model)? = tokenizer?.vocabulary else { return models }
        return models + [model]
    }
}

extension ModelReference {
    /// Which document's result is meant, by itself or with an adapter.
    fileprivate func document(among names: [String]) -> String? {
        if names.contains(description) { return description }
        let plain = ModelReference(path: path, revision: revision).description
        return names.contains(plain) ? plain : nil
    }
}
