public import Collab
import CollabBackends

extension ExpertMixture {
    /// Saves the mixture as a folder in Hugging Face's layout, with the base's tokenizer.
    ///
    /// Throws ``Collab/CollabError`` with `inputOutput` if the folder cannot be made or written, and what reading throws.
    public func save(to folder: String) throws(CollabError) {
        try PartialFolder.make(folder)
        try SafetensorsWriter.save(self, to: folder + "/model.safetensors")
        guard let written = specification as? HuggingFaceSpecification else { return }
        try Self.write(written.configuration.encoded(.pretty), to: folder + "/config.json")
        guard let source = written.folder else { return }
        for name in ResultFolder.taken where source.contains(name) {
            let file = try source.map(name)
            try Self.write(withExtendedLifetime(file) { Array(file.bytes) }, to: folder + "/" + name)
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(CollabError) {
        let file = try AtomicFile(path: path)
        try bytes.withUnsafeBufferPointer { (bytes) throws(CollabError) in
            try file.write(UnsafeRawBufferPointer(bytes), at: 0)
        }
        try file.finish()
    }
}
