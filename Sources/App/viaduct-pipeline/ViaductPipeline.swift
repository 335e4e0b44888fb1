internal import Glibc
internal import PipelineChild

/// The child process of the bridge: one pipeline, told over the control socket that it inherits.
@main
struct ViaductPipeline {
    static func main() async {
        exit(await PipelineProcess.run(arguments: CommandLine.arguments))
    }
}
