"""The rules. Pure: values in, values out; no clock, environment, disk, network, mlflow, streamlit or logging."""
