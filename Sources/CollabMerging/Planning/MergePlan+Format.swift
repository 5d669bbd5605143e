public import Collab
import CollabBackends

extension MergePlan {
    /// The same merge, to be written in a format.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for a model that the format cannot hold: architectures that the
    /// engine does not know have no names in GGUF, and a merge that has its configuration and tokenizer from a GGUF file
    /// has none for a folder.
    public func stored(as format: MergeFormat) throws(CollabError) -> MergePlan {
        var plan = self
        plan.format = format
        switch format {
        case .safetensors:
            for model in [donor, tokenizerDonor] where model.specification is GGUFSpecification {
                throw CollabError(
                    .unsupported,
                    "\(model.name) is a GGUF file, which has no config.json and no tokenizer.json for the result; name a "
                        + "folder as base_model and tokenizer_source, or write GGUF (--format gguf:q8_0)."
                )
            }
        case .gguf(let quantisation):
            guard tokenizerFile == nil else {
                throw CollabError(
                    .unsupported,
                    "A vocabulary that is put together here is written as tokenizer.json alone; write safetensors, and "
                        + "then the folder's GGUF file (merge quantise)."
                )
            }
            let renamed = try RenamedCheckpoint(describedResult(), as: .gguf)
            plan.result = renamed
            (plan.workingByteCounts, plan.scratchByteCounts) = ([:], [:])
            for tensor in renamed.tensors {
                guard let original = renamed.original(of: tensor.name) else { continue }
                plan.workingByteCounts[tensor.name] = workingByteCounts[original]
                plan.scratchByteCounts[tensor.name] = scratchByteCounts[original]
            }
            plan.tensors = renamed.tensors.map { tensor in
                TensorDescription(
                    name: tensor.name,
                    shape: tensor.shape,
                    format: quantisation.format(of: tensor)
                )
            }
        }
        return plan
    }

    /// The result with the configuration that it would be written with, rather than the donor's: it may have other layers.
    func describedResult() throws(CollabError) -> any Checkpoint {
        StackedCheckpoint(
            result.name,
            parts: [result],
            specification: try ResultConfiguration(of: self).specification,
            tokenizer: ResultTokenizer(donor: tokenizerDonor, file: tokenizerFile, chatTemplate: chatTemplate)
        )
    }
}
